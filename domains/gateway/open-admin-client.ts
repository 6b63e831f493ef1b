import { eq } from 'drizzle-orm';
import { newId } from '../../platform/ids.ts';
import type { GatewayDatabase } from './database.ts';
import { apiClients } from './schema.ts';

/** The client that the admin key belongs to, the same for ever, whatever the key. @returns its id */
export async function openAdminClient(db: GatewayDatabase): Promise<string> {
  await db.orm.insert(apiClients).values({ id: newId(), name: 'admin' }).onConflictDoNothing();
  const [row] = await db.orm.select().from(apiClients).where(eq(apiClients.name, 'admin'));
  if (!row) throw new Error('the admin client is gone');
  return row.id;
}

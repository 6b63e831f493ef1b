import { eq, sql } from 'drizzle-orm';
import { inTransaction } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';
import { apiKeys } from './schema.ts';

/** Ends a key. @returns whether it was live until now; nothing where there is no such key */
export async function revokeKey(db: GatewayDatabase, id: string): Promise<{ wasLive: boolean } | undefined> {
  return await inTransaction(db.reads, async (transaction) => {
    const [key] = await transaction.select().from(apiKeys).where(eq(apiKeys.id, id)).for('no key update');
    if (!key) return undefined;
    if (key.revokedAt) return { wasLive: false };
    await transaction.update(apiKeys).set({ revokedAt: sql`now()` }).where(eq(apiKeys.id, id));
    return { wasLive: true };
  });
}

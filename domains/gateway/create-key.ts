import { inTransaction } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';
import { type ApiKey, readKey } from './read-keys.ts';
import { apiClients, apiKeys } from './schema.ts';

export interface NewKey {
  id: string;
  /** SHA-256 of the key. */
  hash: Buffer;
  last4: string;
}

/**
 * Makes a client with its first key. `replayed` says that the id has its key already, maybe of another name or other
 * scopes than were asked for: compare.
 */
export async function createKey(
  db: GatewayDatabase,
  key: NewKey,
  client: { name: string; scopes: string[] },
): Promise<{ key: ApiKey; replayed: boolean }> {
  const { name, scopes } = client;
  return await inTransaction(db.reads, async (transaction) => {
    const [made] = await transaction
      .insert(apiClients)
      .values({ id: key.id, name })
      .onConflictDoNothing()
      .returning({ id: apiClients.id });
    if (made) await transaction.insert(apiKeys).values({ ...key, clientId: made.id, scopes });
    const row = await readKey(transaction, key.id);
    if (!row) throw new Error('an API key vanished');
    return { key: row, replayed: !made };
  });
}

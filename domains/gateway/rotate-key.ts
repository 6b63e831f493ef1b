import { eq, sql } from 'drizzle-orm';
import { inTransaction } from '../../platform/database.ts';
import { violates } from '../../platform/database-errors.ts';
import type { NewKey } from './create-key.ts';
import type { GatewayDatabase } from './database.ts';
import { type ApiKey, readKey } from './read-keys.ts';
import { apiKeys } from './schema.ts';

export type RotatedKey =
  | { ok: true; key: ApiKey; replayed: boolean }
  | { ok: false; reason: 'not-found' | 'revoked' | 'idempotency-key-reused' };

/** Gives a key's client a new key with the same scopes, and revokes the old one in the same moment. */
export async function rotateKey(db: GatewayDatabase, oldId: string, key: NewKey): Promise<RotatedKey> {
  const rotating = inTransaction<RotatedKey>(db.reads, async (transaction) => {
    const [old] = await transaction.select().from(apiKeys).where(eq(apiKeys.id, oldId)).for('no key update');
    if (!old) return { ok: false, reason: 'not-found' };
    const earlier = await readKey(transaction, key.id);
    if (earlier) {
      return earlier.replaces === oldId
        ? { ok: true, key: earlier, replayed: true }
        : { ok: false, reason: 'idempotency-key-reused' };
    }
    if (old.revokedAt) return { ok: false, reason: 'revoked' };
    await transaction.update(apiKeys).set({ revokedAt: sql`now()` }).where(eq(apiKeys.id, oldId));
    const { clientId, scopes } = old;
    await transaction.insert(apiKeys).values({ ...key, clientId, scopes, replaces: oldId });
    const made = await readKey(transaction, key.id);
    if (!made) throw new Error('an API key vanished');
    return { ok: true, key: made, replayed: false };
  });
  return await rotating.catch((error: unknown) => {
    // Taken by the rotation of another key, at the same time.
    if (violates(error, 'api_keys_pkey')) return { ok: false, reason: 'idempotency-key-reused' };
    throw error;
  });
}

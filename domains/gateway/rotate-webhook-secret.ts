import { and, eq, isNull, sql } from 'drizzle-orm';
import { inTransaction } from '../../platform/database.ts';
import { violates } from '../../platform/database-errors.ts';
import type { GatewayDatabase } from './database.ts';
import { webhookEndpoints, webhookSecrets } from './schema.ts';
import { OVERLAP_HOURS, type SealedSecret } from './webhook-secrets.ts';

export type RotatedSecret =
  | { ok: true; secret: SealedSecret; replayed: boolean }
  | { ok: false; reason: 'not-found' | 'idempotency-key-reused' };

/** Gives an endpoint a new secret; the one before stays valid for a day. A repeat under the same id changes nothing. */
export async function rotateWebhookSecret(
  db: GatewayDatabase,
  endpointId: string,
  secret: SealedSecret,
): Promise<RotatedSecret> {
  const rotating = inTransaction<RotatedSecret>(db.reads, async (transaction) => {
    const [endpoint] = await transaction
      .select({ id: webhookEndpoints.id })
      .from(webhookEndpoints)
      .where(and(eq(webhookEndpoints.id, endpointId), isNull(webhookEndpoints.deletedAt)))
      .for('no key update');
    if (!endpoint) return { ok: false, reason: 'not-found' };
    const [earlier] = await transaction.select().from(webhookSecrets).where(eq(webhookSecrets.id, secret.id));
    if (earlier) {
      return earlier.endpointId === endpointId
        ? { ok: true, secret: earlier, replayed: true }
        : { ok: false, reason: 'idempotency-key-reused' };
    }
    await transaction
      .update(webhookSecrets)
      .set({ expiresAt: sql`now() + make_interval(hours => ${OVERLAP_HOURS})` })
      .where(and(eq(webhookSecrets.endpointId, endpointId), isNull(webhookSecrets.expiresAt)));
    await transaction.insert(webhookSecrets).values({ ...secret, endpointId });
    return { ok: true, secret, replayed: false };
  });
  return await rotating.catch((error: unknown) => {
    // Taken by the rotation of another endpoint, at the same time.
    if (violates(error, 'webhook_secrets_pkey')) return { ok: false, reason: 'idempotency-key-reused' };
    throw error;
  });
}

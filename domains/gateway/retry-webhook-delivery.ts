import { and, eq, isNull, sql } from 'drizzle-orm';
import { inTransaction } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';
import { readWebhookDelivery, type WebhookDelivery } from './read-webhook-deliveries.ts';
import { webhookDeliveries, webhookEndpoints } from './schema.ts';

export type RetriedDelivery =
  /** The same object twice where nothing changed. */
  | { ok: true; before: WebhookDelivery; after: WebhookDelivery }
  | { ok: false; reason: 'not-found' | 'delivered' | 'disabled' };

/** Makes a delivery due now; a dead one gets all its attempts again. One that is being attempted this moment is left to it. */
export async function retryWebhookDelivery(db: GatewayDatabase, id: string): Promise<RetriedDelivery> {
  return await inTransaction(db.reads, async (transaction) => {
    const [locked] = await transaction
      .select({ disabledAt: webhookEndpoints.disabledAt })
      .from(webhookDeliveries)
      .innerJoin(webhookEndpoints, eq(webhookEndpoints.id, webhookDeliveries.endpointId))
      .where(and(eq(webhookDeliveries.id, id), isNull(webhookEndpoints.deletedAt)))
      .for('no key update', { of: webhookDeliveries });
    const before = locked && (await readWebhookDelivery(transaction, id));
    if (!before) return { ok: false, reason: 'not-found' };
    if (before.state === 'delivered') return { ok: false, reason: 'delivered' };
    if (locked.disabledAt) return { ok: false, reason: 'disabled' };
    const { rowCount } = await transaction
      .update(webhookDeliveries)
      .set({
        state: 'pending',
        settledAt: null,
        nextAttemptAt: sql`now()`,
        ...(before.state === 'dead' && { attempts: 0 }),
      })
      .where(
        and(
          eq(webhookDeliveries.id, id),
          sql`(${webhookDeliveries.claimedUntil} is null or ${webhookDeliveries.claimedUntil} < now())`,
        ),
      );
    if (rowCount === 0) return { ok: true, before, after: before };
    const after = await readWebhookDelivery(transaction, id);
    if (!after) throw new Error('a locked webhook delivery vanished');
    return { ok: true, before, after };
  });
}

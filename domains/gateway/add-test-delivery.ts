import { inTransaction } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';
import { readWebhookDelivery, type WebhookDelivery } from './read-webhook-deliveries.ts';
import { webhookDeliveries } from './schema.ts';

/** Writes the delivery of an event made up for one endpoint; a repeat under the same id writes nothing. */
export async function addTestDelivery(
  db: GatewayDatabase,
  delivery: { id: string; endpointId: string; eventId: string; eventType: string; body: string },
): Promise<{ delivery: WebhookDelivery; replayed: boolean }> {
  return await inTransaction(db.reads, async (transaction) => {
    const made = await transaction
      .insert(webhookDeliveries)
      .values(delivery)
      .onConflictDoNothing()
      .returning({ id: webhookDeliveries.id });
    const row = await readWebhookDelivery(transaction, delivery.id);
    if (!row) throw new Error('a webhook delivery vanished');
    return { delivery: row, replayed: made.length === 0 };
  });
}

import { and, getTableColumns, inArray, isNull } from 'drizzle-orm';
import type { GatewayDatabase } from './database.ts';
import type { WebhookDelivery } from './read-webhook-deliveries.ts';
import { webhookDeliveries, webhookEndpoints } from './schema.ts';

const { body: _, ...columns } = getTableColumns(webhookDeliveries);

/** What became of events at each endpoint. Asks endpoint by endpoint, since the index that finds an event begins so. */
export async function deliveriesOfEvents(db: GatewayDatabase, eventIds: string[]): Promise<WebhookDelivery[]> {
  const endpoints = db.orm
    .select({ id: webhookEndpoints.id })
    .from(webhookEndpoints)
    .where(isNull(webhookEndpoints.deletedAt));
  return await db.orm
    .select(columns)
    .from(webhookDeliveries)
    .where(
      and(
        inArray(
          webhookDeliveries.endpointId,
          (await endpoints).map(({ id }) => id),
        ),
        inArray(webhookDeliveries.eventId, eventIds),
      ),
    );
}

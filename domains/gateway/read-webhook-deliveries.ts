import { and, eq, getTableColumns } from 'drizzle-orm';
import { newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
import type { GatewayDatabase } from './database.ts';
import { webhookDeliveries } from './schema.ts';

export type WebhookDelivery = Omit<typeof webhookDeliveries.$inferSelect, 'body'>;
export type DeliveryState = WebhookDelivery['state'];

const { body: _, ...columns } = getTableColumns(webhookDeliveries);

export async function readWebhookDelivery(
  db: Pick<GatewayDatabase['orm'], 'select'>,
  id: string,
): Promise<WebhookDelivery | undefined> {
  const [delivery] = await db.select(columns).from(webhookDeliveries).where(eq(webhookDeliveries.id, id));
  return delivery;
}

export interface DeliveryFilter extends Page {
  endpointId: string;
  state?: DeliveryState | undefined;
}

/** Newest first. */
export function listWebhookDeliveries(
  db: GatewayDatabase,
  filter: DeliveryFilter,
  limit: number,
): Promise<WebhookDelivery[]> {
  const { endpointId, state } = filter;
  return db.orm
    .select(columns)
    .from(webhookDeliveries)
    .where(
      and(
        eq(webhookDeliveries.endpointId, endpointId),
        state && eq(webhookDeliveries.state, state),
        onPage(webhookDeliveries, filter),
      ),
    )
    .orderBy(...newestFirst(webhookDeliveries))
    .limit(limit);
}

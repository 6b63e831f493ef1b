import { and, desc, eq, getTableColumns, gte, lt, sql } from 'drizzle-orm';
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

export interface DeliveryFilter {
  endpointId: string;
  state?: DeliveryState | undefined;
  createdFrom?: Date | undefined;
  createdTo?: Date | undefined;
  after?: { createdAt: Date; id: string } | undefined;
}

/** Newest first. */
export function listWebhookDeliveries(
  db: GatewayDatabase,
  { endpointId, state, createdFrom, createdTo, after }: DeliveryFilter,
  limit: number,
): Promise<WebhookDelivery[]> {
  const { createdAt, id } = webhookDeliveries;
  return db.orm
    .select(columns)
    .from(webhookDeliveries)
    .where(
      and(
        eq(webhookDeliveries.endpointId, endpointId),
        state && eq(webhookDeliveries.state, state),
        createdFrom && gte(createdAt, createdFrom),
        createdTo && lt(createdAt, createdTo),
        after && sql`(${createdAt}, ${id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`,
      ),
    )
    .orderBy(desc(createdAt), desc(id))
    .limit(limit);
}

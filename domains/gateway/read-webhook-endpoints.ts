import { and, desc, eq, gte, isNull, lt, sql } from 'drizzle-orm';
import type { GatewayDatabase } from './database.ts';
import { webhookEndpoints } from './schema.ts';

export type WebhookEndpoint = typeof webhookEndpoints.$inferSelect;

export async function readWebhookEndpoint(db: GatewayDatabase, id: string): Promise<WebhookEndpoint | undefined> {
  const [endpoint] = await db.orm
    .select()
    .from(webhookEndpoints)
    .where(and(eq(webhookEndpoints.id, id), isNull(webhookEndpoints.deletedAt)));
  return endpoint;
}

export interface EndpointFilter {
  createdFrom?: Date | undefined;
  createdTo?: Date | undefined;
  after?: { createdAt: Date; id: string } | undefined;
}

/** Newest first. */
export function listWebhookEndpoints(
  db: GatewayDatabase,
  { createdFrom, createdTo, after }: EndpointFilter,
  limit: number,
): Promise<WebhookEndpoint[]> {
  const { createdAt, id, deletedAt } = webhookEndpoints;
  return db.orm
    .select()
    .from(webhookEndpoints)
    .where(
      and(
        isNull(deletedAt),
        createdFrom && gte(createdAt, createdFrom),
        createdTo && lt(createdAt, createdTo),
        after && sql`(${createdAt}, ${id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`,
      ),
    )
    .orderBy(desc(createdAt), desc(id))
    .limit(limit);
}

import { and, eq, isNull } from 'drizzle-orm';
import { newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
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

/** Newest first. */
export function listWebhookEndpoints(db: GatewayDatabase, page: Page, limit: number): Promise<WebhookEndpoint[]> {
  return db.orm
    .select()
    .from(webhookEndpoints)
    .where(and(isNull(webhookEndpoints.deletedAt), onPage(webhookEndpoints, page)))
    .orderBy(...newestFirst(webhookEndpoints))
    .limit(limit);
}

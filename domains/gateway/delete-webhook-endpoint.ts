import { and, eq, isNull, sql } from 'drizzle-orm';
import type { GatewayDatabase } from './database.ts';
import type { WebhookEndpoint } from './read-webhook-endpoints.ts';
import { webhookEndpoints } from './schema.ts';

/**
 * Takes an endpoint out of sight and use. Its row stays, its deliveries go with their age.
 * @returns it, or nothing where it is not there
 */
export async function deleteWebhookEndpoint(db: GatewayDatabase, id: string): Promise<WebhookEndpoint | undefined> {
  const [endpoint] = await db.orm
    .update(webhookEndpoints)
    .set({ deletedAt: sql`now()` })
    .where(and(eq(webhookEndpoints.id, id), isNull(webhookEndpoints.deletedAt)))
    .returning();
  return endpoint;
}

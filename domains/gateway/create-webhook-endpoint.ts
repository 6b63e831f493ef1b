import { inTransaction } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';
import { readWebhookEndpoint, type WebhookEndpoint } from './read-webhook-endpoints.ts';
import { webhookEndpoints, webhookSecrets } from './schema.ts';
import type { SealedSecret } from './webhook-secrets.ts';

/**
 * Makes an endpoint with its first secret, whose id is the endpoint's. `replayed` says that the id has its endpoint
 * already, maybe of another request: compare. @returns nothing where that one has been deleted since
 */
export async function createWebhookEndpoint(
  db: GatewayDatabase,
  endpoint: { clientId: string; url: string; eventTypes: string[]; requestHash: Buffer },
  secret: SealedSecret,
): Promise<{ endpoint: WebhookEndpoint; replayed: boolean } | undefined> {
  const made = await inTransaction(db.reads, async (transaction) => {
    const [row] = await transaction
      .insert(webhookEndpoints)
      .values({ id: secret.id, ...endpoint })
      .onConflictDoNothing()
      .returning();
    if (row) await transaction.insert(webhookSecrets).values({ ...secret, endpointId: row.id });
    return row;
  });
  if (made) return { endpoint: made, replayed: false };
  const earlier = await readWebhookEndpoint(db, secret.id);
  return earlier && { endpoint: earlier, replayed: true };
}

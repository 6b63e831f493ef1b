import { and, eq, isNull, sql } from 'drizzle-orm';
import { inTransaction } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';
import type { WebhookEndpoint } from './read-webhook-endpoints.ts';
import { webhookEndpoints } from './schema.ts';

export interface EndpointChanges {
  url?: string | undefined;
  eventTypes?: string[] | undefined;
  disabled?: boolean | undefined;
}

/** Changes an endpoint. @returns it before and after, the same object where nothing changed; nothing where it is not there */
export async function updateWebhookEndpoint(
  db: GatewayDatabase,
  id: string,
  { url, eventTypes, disabled }: EndpointChanges,
): Promise<{ before: WebhookEndpoint; after: WebhookEndpoint } | undefined> {
  return await inTransaction(db.reads, async (transaction) => {
    const [before] = await transaction
      .select()
      .from(webhookEndpoints)
      .where(and(eq(webhookEndpoints.id, id), isNull(webhookEndpoints.deletedAt)))
      .for('no key update');
    if (!before) return undefined;
    const isDisabled = before.disabledAt !== null;
    const switched = disabled !== undefined && disabled !== isDisabled;
    const hasChanged =
      switched ||
      (url !== undefined && url !== before.url) ||
      (eventTypes !== undefined && String(eventTypes) !== String(before.eventTypes));
    if (!hasChanged) return { before, after: before };
    const [after] = await transaction
      .update(webhookEndpoints)
      .set({
        ...(url !== undefined && { url }),
        ...(eventTypes !== undefined && { eventTypes }),
        ...(switched && disabled && { disabledAt: sql`now()`, disabledReason: 'request' }),
        ...(switched && !disabled && { disabledAt: null, disabledReason: null, enabledAt: sql`now()` }),
        updatedAt: sql`now()`,
      })
      .where(eq(webhookEndpoints.id, id))
      .returning();
    if (!after) throw new Error('a locked webhook endpoint vanished');
    return { before, after };
  });
}

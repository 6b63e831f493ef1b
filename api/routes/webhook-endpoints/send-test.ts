import { z } from 'zod';
import { addTestDelivery } from '../../../domains/gateway/add-test-delivery.ts';
import type { GatewayDatabase } from '../../../domains/gateway/database.ts';
import { readWebhookDelivery, type WebhookDelivery } from '../../../domains/gateway/read-webhook-deliveries.ts';
import { readWebhookEndpoint } from '../../../domains/gateway/read-webhook-endpoints.ts';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { webhookDeliveryJson } from '../webhook-deliveries/json.ts';

const EVENT_TYPE = 'webhook.test';
/** The answer waits so long for the outcome of the first attempt. */
const WAIT_MS = 5_000;
const LOOK_EVERY_MS = 25;

export const testWebhookEndpoint = operation({
  method: 'POST',
  path: '/v1/webhook-endpoints/{id}/test',
  summary: `Send an event of the type ${EVENT_TYPE} at once, whatever types the endpoint wants, and tell what came of it`,
  scope: 'ops:write',
  action: 'webhook_endpoint.test',
  params: z.object({ id }),
  idempotent: true,
  answers: { 201: answers.webhookDelivery },
  problems: ['not-found', 'conflict', 'idempotency-key-reused', 'unavailable'],
  async handle({ params, caller, idempotencyKey, services }, change) {
    const { gateway } = services;
    const endpoint = await readWebhookEndpoint(gateway, params.id);
    if (!endpoint) throw new Problem('not-found');
    const deliveryId = idFor(caller.clientId, 'webhook-endpoints/test', idempotencyKey);
    if (endpoint.disabledAt && !(await readWebhookDelivery(gateway.orm, deliveryId)))
      throw new Problem('conflict', { detail: 'The endpoint is disabled: enable it first.' });
    const event = testEvent(deliveryId, endpoint.id, new Date(gateway.nowMs()));
    const { delivery, replayed } = await change(
      addTestDelivery(gateway, {
        id: deliveryId,
        endpointId: endpoint.id,
        eventId: event.id,
        eventType: event.type,
        body: JSON.stringify(event),
      }),
    );
    if (delivery.endpointId !== endpoint.id) throw new Problem('idempotency-key-reused');
    services.webhooksChanged();
    return {
      status: 201,
      body: webhookDeliveryJson(replayed ? delivery : await firstOutcome(gateway, delivery)),
      ...(replayed && { headers: { 'Idempotent-Replayed': 'true' } }),
      audit: replayed
        ? undefined
        : { action: 'webhook_endpoint.test', resource: { type: 'webhook_endpoint', id: endpoint.id } },
    };
  },
});

/** An event that says nothing but that it came. It is in no outbox, so it has no aggregate and no sequence. */
const testEvent = (deliveryId: string, endpointId: string, time: Date) => ({
  specversion: '1.0',
  id: `webhook_test.${deliveryId}`,
  source: '/vouchsafe/gateway',
  type: EVENT_TYPE,
  subject: endpointId,
  time: time.toISOString(),
  datacontenttype: 'application/json',
  data: { webhook_endpoint_id: endpointId },
});

/** The delivery after its first attempt, or as it is when that takes too long. */
async function firstOutcome(gateway: GatewayDatabase, delivery: WebhookDelivery): Promise<WebhookDelivery> {
  const giveUpAt = performance.now() + WAIT_MS;
  let latest: WebhookDelivery = delivery;
  while (latest.lastStatus === null && latest.lastError === null && performance.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    latest = (await readWebhookDelivery(gateway.orm, delivery.id)) ?? latest;
  }
  return latest;
}

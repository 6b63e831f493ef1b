import { z } from 'zod';
import { readWebhookDelivery } from '../../../domains/gateway/read-webhook-deliveries.ts';
import { readWebhookEndpoint } from '../../../domains/gateway/read-webhook-endpoints.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { webhookDeliveryJson } from './json.ts';

export const getWebhookDelivery = operation({
  method: 'GET',
  path: '/v1/webhook-deliveries/{id}',
  summary: 'What became of an event at an endpoint',
  scope: 'ops:read',
  params: z.object({ id }),
  answers: { 200: answers.webhookDelivery },
  problems: ['not-found', 'unavailable'],
  async handle({ params, services }) {
    const delivery = await readWebhookDelivery(services.gateway.orm, params.id);
    // With its endpoint it is out of sight, although it is removed later.
    const isThere = delivery && (await readWebhookEndpoint(services.gateway, delivery.endpointId));
    if (!isThere) throw new Problem('not-found');
    return { status: 200, body: webhookDeliveryJson(delivery) };
  },
});

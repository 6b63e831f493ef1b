import { z } from 'zod';
import { retryWebhookDelivery } from '../../../domains/gateway/retry-webhook-delivery.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { webhookDeliveryJson } from './json.ts';

export const retryWebhookDeliveryOperation = operation({
  method: 'POST',
  path: '/v1/webhook-deliveries/{id}/retry',
  summary: 'Send an event again that has not arrived, at once; a dead one gets all its attempts again',
  scope: 'ops:write',
  action: 'webhook_delivery.retry',
  params: z.object({ id }),
  answers: { 200: answers.webhookDelivery },
  problems: ['not-found', 'conflict', 'unavailable'],
  async handle({ params, services }, change) {
    const result = await change(retryWebhookDelivery(services.gateway, params.id));
    if (!result.ok) {
      if (result.reason === 'not-found') throw new Problem('not-found');
      const detail = result.reason === 'delivered' ? 'It was delivered.' : 'The endpoint is disabled: enable it first.';
      throw new Problem('conflict', { detail });
    }
    services.webhooksChanged();
    const { before, after } = result;
    return {
      status: 200,
      body: webhookDeliveryJson(after),
      audit:
        before === after
          ? undefined
          : {
              action: 'webhook_delivery.retry',
              resource: { type: 'webhook_delivery', id: params.id },
              before: { state: before.state, attempts: before.attempts },
              after: { state: after.state, attempts: after.attempts },
            },
    };
  },
});

import { z } from 'zod';
import { updateWebhookEndpoint } from '../../../domains/gateway/update-webhook-endpoint.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { endpointUrl, eventTypes } from './fields.ts';
import { auditedEndpoint, webhookEndpointJson } from './json.ts';

export const updateWebhookEndpointOperation = (allowPrivate: boolean) =>
  operation({
    method: 'PATCH',
    path: '/v1/webhook-endpoints/{id}',
    summary: 'Change a webhook endpoint. While it is disabled nothing is sent, and no new events are kept for it',
    scope: 'ops:write',
    action: 'webhook_endpoint.update',
    params: z.object({ id }),
    body: z.strictObject({
      url: endpointUrl(allowPrivate).optional(),
      event_types: eventTypes.optional(),
      disabled: z.boolean().optional(),
    }),
    answers: { 200: answers.webhookEndpoint },
    problems: ['not-found', 'unavailable'],
    async handle({ params, body, services }, change) {
      const { url, event_types: types, disabled } = body;
      const changed = await change(
        updateWebhookEndpoint(services.gateway, params.id, { url, eventTypes: types, disabled }),
      );
      if (!changed) throw new Problem('not-found');
      services.webhooksChanged();
      const { before, after } = changed;
      return {
        status: 200,
        body: webhookEndpointJson(after),
        audit:
          before === after
            ? undefined
            : {
                action: 'webhook_endpoint.update',
                resource: { type: 'webhook_endpoint', id: params.id },
                before: auditedEndpoint(before),
                after: auditedEndpoint(after),
              },
      };
    },
  });

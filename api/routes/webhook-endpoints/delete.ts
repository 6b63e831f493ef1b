import { z } from 'zod';
import { deleteWebhookEndpoint } from '../../../domains/gateway/delete-webhook-endpoint.ts';
import { Problem } from '../../../platform/problems.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { auditedEndpoint } from './json.ts';

export const deleteWebhookEndpointOperation = operation({
  method: 'DELETE',
  path: '/v1/webhook-endpoints/{id}',
  summary: 'Delete a webhook endpoint with its deliveries, also those that were still to be sent',
  scope: 'ops:write',
  action: 'webhook_endpoint.delete',
  params: z.object({ id }),
  answers: { 204: 'nothing' },
  problems: ['not-found', 'unavailable'],
  async handle({ params, services }, change) {
    const deleted = await change(deleteWebhookEndpoint(services.gateway, params.id));
    if (!deleted) throw new Problem('not-found');
    services.webhooksChanged();
    return {
      status: 204,
      body: undefined,
      audit: {
        action: 'webhook_endpoint.delete',
        resource: { type: 'webhook_endpoint', id: params.id },
        before: auditedEndpoint(deleted),
      },
    };
  },
});

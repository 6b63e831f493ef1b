import { z } from 'zod';
import { rotateWebhookSecret } from '../../../domains/gateway/rotate-webhook-secret.ts';
import { newWebhookSecret, OVERLAP_HOURS, unsealWebhookSecret } from '../../../domains/gateway/webhook-secrets.ts';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';

export const rotateWebhookSecretOperation = operation({
  method: 'POST',
  path: '/v1/webhook-endpoints/{id}/rotate-secret',
  summary: `Replace an endpoint's secret. For ${OVERLAP_HOURS} hours deliveries are signed with both`,
  scope: 'ops:write',
  action: 'webhook_endpoint.rotate_secret',
  params: z.object({ id }),
  idempotent: true,
  answers: { 200: answers.webhookSecret },
  problems: ['not-found', 'idempotency-key-reused', 'unavailable'],
  async handle({ params, caller, idempotencyKey, services }, change) {
    const { seals } = services.codeKeys;
    const secretId = idFor(caller.clientId, 'webhook-endpoints/rotate-secret', idempotencyKey);
    const result = await change(rotateWebhookSecret(services.gateway, params.id, newWebhookSecret(seals, secretId)));
    if (!result.ok) throw new Problem(result.reason);
    const { secret, replayed } = result;
    return {
      status: 200,
      body: { id: params.id, secret: unsealWebhookSecret(seals, secret) },
      replayed,
      audit: replayed
        ? undefined
        : { action: 'webhook_endpoint.rotate_secret', resource: { type: 'webhook_endpoint', id: params.id } },
    };
  },
});

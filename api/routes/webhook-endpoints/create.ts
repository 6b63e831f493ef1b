import { z } from 'zod';
import { createWebhookEndpoint } from '../../../domains/gateway/create-webhook-endpoint.ts';
import { newWebhookSecret, readWebhookSecret, unsealWebhookSecret } from '../../../domains/gateway/webhook-secrets.ts';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { operation } from '../../operation.ts';
import { requestHash } from '../../request-hash.ts';
import { endpointUrl, eventTypes } from './fields.ts';
import { auditedEndpoint, webhookEndpointJson } from './json.ts';

export const createWebhookEndpointOperation = (allowPrivate: boolean) =>
  operation({
    method: 'POST',
    path: '/v1/webhook-endpoints',
    summary: 'Register where events are sent to. `secret` verifies them; it is shown here and in repeats only',
    scope: 'ops:write',
    action: 'webhook_endpoint.create',
    body: z.strictObject({ url: endpointUrl(allowPrivate), event_types: eventTypes }),
    idempotent: true,
    sends: ['Location'],
    answers: { 201: answers.newWebhookEndpoint },
    problems: ['conflict', 'idempotency-key-reused', 'unavailable'],
    async handle({ body, caller, idempotencyKey, services }, change) {
      const { gateway, codeKeys } = services;
      const id = idFor(caller.clientId, 'webhook-endpoints', idempotencyKey);
      const hash = requestHash(body);
      const request = { clientId: caller.clientId, url: body.url, eventTypes: body.event_types, requestHash: hash };
      const made = await change(createWebhookEndpoint(gateway, request, newWebhookSecret(codeKeys.seals, id)));
      if (!made) throw new Problem('conflict', { detail: 'The endpoint that this key made has been deleted.' });
      const { endpoint, replayed } = made;
      if (replayed && endpoint.requestHash && !endpoint.requestHash.equals(hash))
        throw new Problem('idempotency-key-reused');
      const secret = await readWebhookSecret(gateway, id);
      if (!secret) throw new Error('a webhook secret vanished');
      services.webhooksChanged();
      return {
        status: 201,
        body: { ...webhookEndpointJson(endpoint), secret: unsealWebhookSecret(codeKeys.seals, secret) },
        headers: { Location: `/v1/webhook-endpoints/${id}` },
        replayed,
        audit: replayed
          ? undefined
          : {
              action: 'webhook_endpoint.create',
              resource: { type: 'webhook_endpoint', id },
              after: auditedEndpoint(endpoint),
            },
      };
    },
  });

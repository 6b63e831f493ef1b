import { z } from 'zod';
import { revokeKey } from '../../../domains/gateway/revoke-key.ts';
import { Problem } from '../../../platform/problems.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';

export const revokeApiKey = operation({
  method: 'DELETE',
  path: '/v1/api-keys/{id}',
  summary: 'Revoke an API key: it stops at once here, within a second at other gateways',
  scope: 'ops:write',
  action: 'api_key.revoke',
  params: z.object({ id }),
  answers: { 204: 'nothing' },
  problems: ['not-found', 'unavailable'],
  async handle({ params, services }, change) {
    const revoked = await change(revokeKey(services.gateway, params.id));
    if (!revoked) throw new Problem('not-found');
    services.callers.forget(params.id);
    return {
      status: 204,
      body: undefined,
      audit: revoked.wasLive
        ? {
            action: 'api_key.revoke',
            resource: { type: 'api_key', id: params.id },
            before: { revoked: false },
            after: { revoked: true },
          }
        : undefined,
    };
  },
});

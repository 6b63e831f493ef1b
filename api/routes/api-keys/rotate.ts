import { z } from 'zod';
import { readKey } from '../../../domains/gateway/read-keys.ts';
import { rotateKey } from '../../../domains/gateway/rotate-key.ts';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { newKeyText } from '../../keys/key-text.ts';
import { operation } from '../../operation.ts';
import type { Scope } from '../../scopes.ts';
import { apiKeyJson, auditedKey } from './json.ts';

export const rotateApiKey = operation({
  method: 'POST',
  path: '/v1/api-keys/{id}/rotate',
  summary: 'Replace a key by a new one of the same client and scopes; the old one stops at once',
  scope: 'ops:write',
  action: 'api_key.rotate',
  params: z.object({ id }),
  idempotent: true,
  sends: ['Location'],
  answers: { 201: answers.newApiKey },
  problems: ['not-found', 'conflict', 'idempotency-key-reused', 'unavailable'],
  async handle({ params, caller, idempotencyKey, services }, change) {
    const old = await readKey(services.gateway.orm, params.id);
    if (!old) throw new Problem('not-found');
    if (!old.scopes.every((scope) => caller.may(scope as Scope))) throw new Problem('forbidden');
    const newKeyId = idFor(caller.clientId, 'api-keys/rotate', idempotencyKey);
    const { text, ...made } = newKeyText(newKeyId);
    const result = await change(rotateKey(services.gateway, params.id, made));
    services.callers.forget(params.id);
    if (!result.ok) {
      if (result.reason !== 'revoked') throw new Problem(result.reason);
      throw new Problem('conflict', { detail: 'The key is revoked. Create a new one.' });
    }
    const { key, replayed } = result;
    return {
      status: 201,
      body: { ...apiKeyJson(key), key: replayed ? null : text },
      headers: { Location: `/v1/api-keys/${key.id}` },
      replayed,
      audit: replayed
        ? undefined
        : {
            action: 'api_key.rotate',
            resource: { type: 'api_key', id: params.id },
            before: auditedKey(old),
            after: { ...auditedKey(key), id: key.id },
          },
    };
  },
});

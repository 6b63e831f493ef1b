import { z } from 'zod';
import { createKey } from '../../../domains/gateway/create-key.ts';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { text } from '../../fields.ts';
import { newKeyText } from '../../keys/key-text.ts';
import { operation } from '../../operation.ts';
import { scopeList } from '../../scopes.ts';
import { apiKeyJson, auditedKey } from './json.ts';

/** A repeat under the same Idempotency-Key answers `key: null`: the key is kept nowhere. Rotate it if it was lost. */
export const createApiKey = operation({
  method: 'POST',
  path: '/v1/api-keys',
  summary: 'Create an API key for a new client. `key` is shown this once; a repeat answers null in its place',
  scope: 'ops:write',
  action: 'api_key.create',
  body: z.strictObject({
    name: text(100).refine((name) => name.toLowerCase() !== 'admin', "is that of the configuration's key"),
    scopes: scopeList,
  }),
  idempotent: true,
  sends: ['Location'],
  answers: { 201: answers.newApiKey },
  problems: ['idempotency-key-reused', 'unavailable'],
  async handle({ body, caller, idempotencyKey, services }, change) {
    if (!body.scopes.every((scope) => caller.may(scope))) throw new Problem('forbidden');
    const id = idFor(caller.clientId, 'api-keys', idempotencyKey);
    const { text, ...made } = newKeyText(id);
    const { key, replayed } = await change(createKey(services.gateway, made, body));
    if (replayed && (key.name !== body.name || String(key.scopes) !== String(body.scopes)))
      throw new Problem('idempotency-key-reused');
    return {
      status: 201,
      body: { ...apiKeyJson(key), key: replayed ? null : text },
      headers: { Location: `/v1/api-keys/${id}` },
      replayed,
      audit: replayed
        ? undefined
        : { action: 'api_key.create', resource: { type: 'api_key', id }, after: auditedKey(key) },
    };
  },
});

import { z } from 'zod';
import { listKeys, readKey } from '../../../domains/gateway/read-keys.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers, pageOf } from '../../answers.ts';
import { byTime, page, readCursor, timePosition } from '../../cursor.ts';
import { id, listQuery } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { apiKeyJson } from './json.ts';

export const getApiKey = operation({
  method: 'GET',
  path: '/v1/api-keys/{id}',
  summary: 'Read an API key, without the key itself',
  scope: 'ops:read',
  params: z.object({ id }),
  answers: { 200: answers.apiKey },
  problems: ['not-found', 'unavailable'],
  async handle({ params, services }) {
    const key = await readKey(services.gateway.orm, params.id);
    if (!key) throw new Problem('not-found');
    return { status: 200, body: apiKeyJson(key) };
  },
});

export const listApiKeys = operation({
  method: 'GET',
  path: '/v1/api-keys',
  summary: 'List API keys, newest first, revoked ones too',
  scope: 'ops:read',
  query: listQuery,
  answers: { 200: pageOf(answers.apiKey) },
  problems: ['unavailable'],
  async handle({ query, services }) {
    const { limit, cursor, ...range } = query;
    const filters = { list: 'api-keys', ...range };
    const after = readCursor(cursor, filters, byTime);
    const { created_from: createdFrom, created_to: createdTo } = range;
    const rows = await listKeys(services.gateway, { createdFrom, createdTo, after }, limit + 1);
    return { status: 200, body: page(rows, limit, filters, timePosition, apiKeyJson) };
  },
});

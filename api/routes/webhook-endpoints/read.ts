import { z } from 'zod';
import { listWebhookEndpoints, readWebhookEndpoint } from '../../../domains/gateway/read-webhook-endpoints.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers, pageOf } from '../../answers.ts';
import { byTime, page, readCursor, timePosition } from '../../cursor.ts';
import { id, listQuery } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { webhookEndpointJson } from './json.ts';

export const getWebhookEndpoint = operation({
  method: 'GET',
  path: '/v1/webhook-endpoints/{id}',
  summary: 'Read a webhook endpoint, without its secret',
  scope: 'ops:read',
  params: z.object({ id }),
  answers: { 200: answers.webhookEndpoint },
  problems: ['not-found', 'unavailable'],
  async handle({ params, services }) {
    const endpoint = await readWebhookEndpoint(services.gateway, params.id);
    if (!endpoint) throw new Problem('not-found');
    return { status: 200, body: webhookEndpointJson(endpoint) };
  },
});

export const listWebhookEndpointsOperation = operation({
  method: 'GET',
  path: '/v1/webhook-endpoints',
  summary: 'List webhook endpoints, newest first',
  scope: 'ops:read',
  query: listQuery,
  answers: { 200: pageOf(answers.webhookEndpoint) },
  problems: ['unavailable'],
  async handle({ query, services }) {
    const { limit, cursor, ...range } = query;
    const filters = { list: 'webhook-endpoints', ...range };
    const after = readCursor(cursor, filters, byTime);
    const { created_from: createdFrom, created_to: createdTo } = range;
    const rows = await listWebhookEndpoints(services.gateway, { createdFrom, createdTo, after }, limit + 1);
    return { status: 200, body: page(rows, limit, filters, timePosition, webhookEndpointJson) };
  },
});

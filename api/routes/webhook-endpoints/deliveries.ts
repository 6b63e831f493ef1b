import { z } from 'zod';
import { listWebhookDeliveries } from '../../../domains/gateway/read-webhook-deliveries.ts';
import { readWebhookEndpoint } from '../../../domains/gateway/read-webhook-endpoints.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers, pageOf } from '../../answers.ts';
import { byTime, page, readCursor, timePosition } from '../../cursor.ts';
import { id, listQuery } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { webhookDeliveryJson } from '../webhook-deliveries/json.ts';

export const listWebhookDeliveriesOperation = operation({
  method: 'GET',
  path: '/v1/webhook-endpoints/{id}/deliveries',
  summary: "List an endpoint's deliveries, newest first; `state=dead` are those that were given up",
  scope: 'ops:read',
  params: z.object({ id }),
  query: listQuery.safeExtend({ state: z.enum(['pending', 'delivered', 'dead']).optional() }),
  answers: { 200: pageOf(answers.webhookDelivery) },
  problems: ['not-found', 'unavailable'],
  async handle({ params, query, services }) {
    const { limit, cursor, ...rest } = query;
    const filters = { list: 'webhook-deliveries', endpointId: params.id, ...rest };
    const after = readCursor(cursor, filters, byTime);
    if (!(await readWebhookEndpoint(services.gateway, params.id))) throw new Problem('not-found');
    const { state, created_from: createdFrom, created_to: createdTo } = rest;
    const filter = { endpointId: params.id, state, createdFrom, createdTo, after };
    const rows = await listWebhookDeliveries(services.gateway, filter, limit + 1);
    return { status: 200, body: page(rows, limit, filters, timePosition, webhookDeliveryJson) };
  },
});

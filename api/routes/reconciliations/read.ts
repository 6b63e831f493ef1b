import { z } from 'zod';
import { listReconciliations, readReconciliation } from '../../../domains/gateway/reconciliations.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers, pageOf } from '../../answers.ts';
import { byTime, page, readCursor, timePosition } from '../../cursor.ts';
import { id, listQuery } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { reconciliationJson } from './json.ts';

export const getReconciliation = operation({
  method: 'GET',
  path: '/v1/reconciliations/{id}',
  summary: 'Read a proof of the books',
  scope: 'ops:read',
  params: z.object({ id }),
  answers: { 200: answers.reconciliation },
  problems: ['unavailable'],
  async handle({ params, services }) {
    const found = await readReconciliation(services.gateway, params.id);
    if (!found) throw new Problem('not-found');
    return { status: 200, body: reconciliationJson(found) };
  },
});

export const listReconciliationsOperation = operation({
  method: 'GET',
  path: '/v1/reconciliations',
  summary: 'List the proofs of the books, newest first',
  scope: 'ops:read',
  query: listQuery,
  answers: { 200: pageOf(answers.reconciliation) },
  problems: ['unavailable'],
  async handle({ query, services }) {
    const { limit, cursor, ...range } = query;
    const filters = { list: 'reconciliations', ...range };
    const after = readCursor(cursor, filters, byTime);
    const { created_from: createdFrom, created_to: createdTo } = range;
    const rows = await listReconciliations(services.gateway, { createdFrom, createdTo, after }, limit + 1);
    return { status: 200, body: page(rows, limit, filters, timePosition, reconciliationJson) };
  },
});

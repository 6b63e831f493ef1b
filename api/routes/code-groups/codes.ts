import { z } from 'zod';
import { readCodeGroup } from '../../../domains/gift-code/read-code-groups.ts';
import { listCodes } from '../../../domains/gift-code/read-codes.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers, pageOf } from '../../answers.ts';
import { page, readCursor } from '../../cursor.ts';
import { id, listQuery } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { codeJson } from '../codes/json.ts';

export const listCodesOperation = operation({
  method: 'GET',
  path: '/v1/code-groups/{id}/codes',
  summary: 'List the codes of a group, newest first',
  scope: 'groups:read',
  params: z.object({ id }),
  query: z.strictObject({
    ...listQuery,
    state: z.enum(['disabled', 'used', 'reserved', 'partly_used', 'unused']).optional(),
  }),
  answers: { 200: pageOf(answers.code) },
  problems: ['not-found', 'unavailable'],
  async handle({ params, query, caller, services }) {
    const { limit, cursor, ...rest } = query;
    const filters = { group: params.id, ...rest };
    const beforePosition = readCursor(
      cursor,
      filters,
      z.tuple([z.int().min(0).max(2_147_483_647)]).transform(([n]) => n),
    );
    if (!(await readCodeGroup(services.giftCode, params.id))) throw new Problem('not-found');
    const { state, created_from: createdFrom, created_to: createdTo } = rest;
    const filter = { groupId: params.id, state, createdFrom, createdTo, beforePosition };
    const rows = await listCodes(services.giftCode, filter, limit + 1);
    const keys = caller.may('codes:reveal') ? services.codeKeys : undefined;
    const toJson = (code: (typeof rows)[number]) => codeJson(code, keys);
    return {
      status: 200,
      body: page(rows, limit, filters, (code) => [code.position], toJson),
      audit: keys && { action: 'code.reveal', resource: { type: 'code_group', id: params.id } },
    };
  },
});

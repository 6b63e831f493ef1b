import { answers, pageOf } from '../../answers.ts';
import { byTime, page, readCursor, timePosition } from '../../cursor.ts';
import { listQuery, text } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { codeGroupJson } from './json.ts';

export const listCodeGroupsOperation = operation({
  method: 'GET',
  path: '/v1/code-groups',
  summary: 'List code groups, newest first',
  scope: 'groups:read',
  query: listQuery.safeExtend({ q: text(200).optional() }),
  answers: { 200: pageOf(answers.codeGroup) },
  problems: ['unavailable'],
  async handle({ query, services }) {
    const { limit, cursor, ...rest } = query;
    const filters = { list: 'code-groups', ...rest };
    const after = readCursor(cursor, filters, byTime);
    const { created_from: createdFrom, created_to: createdTo, q: name } = filters;
    const rows = await services.giftCode.listCodeGroups({ name, createdFrom, createdTo, after }, limit + 1);
    return { status: 200, body: page(rows, limit, filters, timePosition, codeGroupJson) };
  },
});

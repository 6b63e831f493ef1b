import { z } from 'zod';
import type { CodeDetails } from '../../../domains/gift-code/read-codes.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers, pageOf } from '../../answers.ts';
import { page, readCursor } from '../../cursor.ts';
import { id, listQuery } from '../../fields.ts';
import { operation } from '../../operation.ts';
import type { Services } from '../../services.ts';
import { listedCodeJson } from '../codes/json.ts';
import { type CodeUse, codeUses } from '../codes/uses.ts';

const TIMEOUT_MS = 10_000;

export const listCodesOperation = operation({
  method: 'GET',
  path: '/v1/code-groups/{id}/codes',
  summary: 'List the codes of a group, newest first, and who has which',
  scope: 'groups:read',
  params: z.object({ id }),
  query: listQuery.safeExtend({ state: z.enum(['disabled', 'used', 'reserved', 'partly_used', 'unused']).optional() }),
  answers: { 200: pageOf(answers.listedCode) },
  problems: ['not-found', 'unavailable'],
  async handle({ params, query, caller, services }) {
    const { limit, cursor, ...rest } = query;
    const filters = { group: params.id, ...rest };
    const beforePosition = readCursor(
      cursor,
      filters,
      z.tuple([z.int().min(0).max(2_147_483_647)]).transform(([n]) => n),
    );
    if (!(await services.giftCode.readCodeGroup(params.id))) throw new Problem('not-found');
    const { state, created_from: createdFrom, created_to: createdTo } = rest;
    const filter = { groupId: params.id, state, createdFrom, createdTo, beforePosition };
    const rows = await services.giftCode.listCodes(filter, limit + 1);
    const keys = caller.may('codes:reveal') ? services.codeKeys : undefined;
    const uses = await usesOf(services, rows);
    const toJson = (code: CodeDetails) => listedCodeJson(code, keys, uses.get(code.id));
    return {
      status: 200,
      body: page(rows, limit, filters, (code) => [code.position], toJson),
      audit: keys && { action: 'code.reveal', resource: { type: 'code_group', id: params.id } },
    };
  },
});

/** By code: the redemption that has it. A code that can be redeemed more than once has any number of them, which have a list. */
async function usesOf({ giftCode, wallet }: Services, codes: CodeDetails[]): Promise<Map<string, CodeUse>> {
  const held = codes.filter(
    ({ maxRedemptions, reserved, redeemed }) => maxRedemptions === 1 && reserved + redeemed > 0,
  );
  const ids = held.map(({ id }) => id);
  const uses = await codeUses(wallet, await giftCode.readHolders(ids, TIMEOUT_MS));
  return new Map(uses.map((use) => [use.row.code_id, use]));
}

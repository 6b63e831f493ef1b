import { z } from 'zod';
import type { CodeGroupChanges } from '../../../domains/gift-code/update-code-group.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id, MAX_INTEGER, money, text, time } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { codeGroupJson, metadata } from './json.ts';

export const updateCodeGroupOperation = operation({
  method: 'PATCH',
  path: '/v1/code-groups/{id}',
  summary: 'Change a code group; null takes a limit or an end of the window away',
  scope: 'groups:write',
  action: 'code_group.update',
  params: z.object({ id }),
  body: z.strictObject({
    name: text(200).optional(),
    starts_at: time.nullable().optional(),
    ends_at: time.nullable().optional(),
    per_wallet_limit: z.int().min(1).max(MAX_INTEGER).nullable().optional(),
    budget: money.nullable().optional(),
    disabled: z.boolean().optional(),
    metadata: metadata.optional(),
  }),
  answers: { 200: answers.codeGroup },
  problems: ['not-found', 'conflict', 'unavailable'],
  async handle({ params, body, services }, change) {
    const { starts_at: startsAt, ends_at: endsAt, per_wallet_limit: perWalletLimit, budget, ...rest } = body;
    const changes = Object.fromEntries(
      Object.entries({
        ...rest,
        startsAt,
        endsAt,
        perWalletLimit,
        budget: budget === null ? null : budget?.value,
      }).filter(([, value]) => value !== undefined),
    ) as CodeGroupChanges;
    const result = await change(services.giftCode.updateCodeGroup(params.id, changes, budget?.currency));
    if (!result.ok) throw refused(result.reason);
    services.wrote('gift-code');
    const after = codeGroupJson(result.group);
    return {
      status: 200,
      body: after,
      audit:
        result.before === result.group
          ? undefined
          : {
              action: 'code_group.update',
              resource: { type: 'code_group', id: params.id },
              before: codeGroupJson(result.before),
              after,
            },
    };
  },
});

function refused(reason: 'not-found' | 'currency-mismatch' | 'window-reversed' | 'budget-below-use'): Problem {
  if (reason === 'not-found') return new Problem(reason);
  if (reason === 'budget-below-use')
    return new Problem('conflict', { detail: 'More than that budget has been spent.' });
  const error =
    reason === 'window-reversed'
      ? { pointer: '/ends_at', detail: 'must be after starts_at' }
      : { pointer: '/budget/currency', detail: 'must be that of the amount' };
  return new Problem('invalid-request', { members: { errors: [error] } });
}

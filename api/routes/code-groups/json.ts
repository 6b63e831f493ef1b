import { z } from 'zod';
import type { CodeGroup } from '../../../domains/gift-code/read-code-groups.ts';
import { toMoney } from '../../../platform/money.ts';

const MAX_METADATA_CHARACTERS = 16_384;

/** What a client keeps with a group for itself. */
export const metadata = z
  .record(z.string(), z.json())
  .refine(
    (value) => JSON.stringify(value).length <= MAX_METADATA_CHARACTERS,
    'must be at most 16,384 characters of JSON',
  )
  .refine((value) => !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value)), 'must not contain NUL or half characters');

/** A code group as the API shows it. */
export function codeGroupJson(group: CodeGroup) {
  return {
    id: group.id,
    name: group.name,
    amount: toMoney(group.amount, group.currency),
    prefix: group.prefix,
    starts_at: group.startsAt?.toISOString() ?? null,
    ends_at: group.endsAt?.toISOString() ?? null,
    per_wallet_limit: group.perWalletLimit,
    budget: group.budget === null ? null : toMoney(group.budget, group.currency),
    disabled: group.disabled,
    metadata: group.metadata,
    codes_count: group.codeCount,
    created_at: group.createdAt.toISOString(),
    updated_at: group.updatedAt.toISOString(),
  };
}

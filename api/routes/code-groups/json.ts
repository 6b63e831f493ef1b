import { z } from 'zod';
import type { CodeGroup } from '../../../domains/gift-code/read-code-groups.ts';
import { toMoney } from '../../../platform/money.ts';

const MAX_METADATA_CHARACTERS = 16_384;
const MAX_METADATA_DEPTH = 32;

/** What a client keeps with a group for itself. */
export const metadata = z
  .record(z.string(), z.unknown())
  .refine((value) => isNestedWithin(value, MAX_METADATA_DEPTH), {
    message: `must not be nested deeper than ${MAX_METADATA_DEPTH}`,
    abort: true,
  })
  .refine(
    (value) => JSON.stringify(value).length <= MAX_METADATA_CHARACTERS,
    'must be at most 16,384 characters of JSON',
  )
  .refine((value) => isStorable(JSON.stringify(value)), 'must not contain NUL or half characters')
  .refine(hasFiniteNumbers, 'must not contain numbers beyond 1.8e308');

/** JSON writes what Postgres cannot keep as escapes; two backslashes are one that stands for itself. */
const isStorable = (json: string) => !/\\u0000|\\ud[89a-f]/i.test(json.replaceAll('\\\\', ''));

/** JSON has no infinite ones: what is read as such would be kept as null. */
function hasFiniteNumbers(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(hasFiniteNumbers);
}

/** A code group as the API shows it, with its latest generation where it has one. */
export function codeGroupJson(group: CodeGroup) {
  const { generation } = group;
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
    ...(generation && {
      generation: { state: generation.state, made: generation.made, total: generation.total },
    }),
    created_at: group.createdAt.toISOString(),
    updated_at: group.updatedAt.toISOString(),
  };
}

/** Stops at the depth, so that no nesting exhausts the stack. */
function isNestedWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((part) => isNestedWithin(part, depth - 1));
}

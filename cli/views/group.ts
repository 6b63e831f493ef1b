import type { CodeGroup } from '../api-types.ts';
import { type Columns, moneyText, type Output } from '../output.ts';

export function showGroup(out: Output, group: CodeGroup): void {
  out.details({
    group: group.id,
    name: group.name,
    amount: moneyText(group.amount),
    codes: group.codes_count,
    prefix: group.prefix ?? undefined,
    'starts at': group.starts_at ?? undefined,
    'ends at': group.ends_at ?? undefined,
    'per wallet': group.per_wallet_limit ?? undefined,
    budget: moneyText(group.budget),
    state: group.disabled ? 'disabled' : undefined,
    generation: group.generation && `${group.generation.state}, ${group.generation.made} of ${group.generation.total}`,
    created: group.created_at,
  });
}

export const groupColumns: Columns<CodeGroup> = {
  ID: (group) => group.id,
  NAME: (group) => group.name,
  AMOUNT: (group) => moneyText(group.amount),
  CODES: (group) => group.codes_count,
  DISABLED: (group) => (group.disabled ? 'disabled' : null),
  CREATED: (group) => group.created_at,
};

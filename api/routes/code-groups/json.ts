import type { CodeGroup } from '../../../domains/gift-code/read-code-groups.ts';
import { toMoney } from '../../../platform/money.ts';

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

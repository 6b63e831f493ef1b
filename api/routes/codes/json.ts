import { type CodeDetails, revealCode } from '../../../domains/gift-code/read-codes.ts';
import type { CodeKeys } from '../../../platform/code-keys.ts';
import { toMoney } from '../../../platform/money.ts';
import { completedAt } from '../../redemptions/redemption-json.ts';
import type { CodeUse } from './uses.ts';

/** A code as lists show it; in clear only where keys to unseal it are given. */
function codeJson(code: CodeDetails, keys: CodeKeys | undefined) {
  return {
    id: code.id,
    ...(keys && { code: revealCode(keys, code) }),
    last4: code.last4,
    state: code.state,
    group: { id: code.groupId, name: code.groupName },
    amount: toMoney(code.amount, code.currency),
    disabled: code.disabled,
    max_redemptions: code.maxRedemptions,
    redeemed: code.redeemed,
    reserved: code.reserved,
    created_at: code.createdAt.toISOString(),
  };
}

/** A code with its redemptions. */
export function codeDetailsJson(code: CodeDetails, keys: CodeKeys | undefined, uses: CodeUse[]) {
  return { ...codeJson(code, keys), redemptions: uses.map(useJson) };
}

/** A code of a list, with the redemption that has it where it can be redeemed but once. */
export function listedCodeJson(code: CodeDetails, keys: CodeKeys | undefined, use: CodeUse | undefined) {
  return { ...codeJson(code, keys), redemption: use ? useJson(use) : null };
}

const useJson = ({ row, side }: CodeUse) => ({
  id: row.id,
  phone: side?.phone ?? null,
  wallet_id: row.wallet_id,
  transaction_id: side?.transaction_id ?? null,
  state: row.state,
  created_at: row.created_at.toISOString(),
  completed_at: completedAt(row),
});

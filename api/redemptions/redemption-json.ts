import type { RedemptionRow } from '../../domains/gift-code/redemption.ts';
import type { WalletSide } from '../../domains/wallet/read-wallet-sides.ts';
import { toMoney } from '../../platform/money.ts';

/** Where the Temporal Web UI shows a workflow; null where no UI is configured. */
export type TraceUrl = (workflowId: string) => string | null;

/** A redemption as the API shows it, merged from both databases. */
export function redemptionJson(row: RedemptionRow, side: WalletSide, traceUrl: TraceUrl) {
  return {
    id: row.id,
    state: row.state,
    ...(row.reason !== null && { reason: row.reason }),
    amount: toMoney(row.amount, row.currency),
    reference: row.reference,
    code: {
      id: row.code_id,
      group_id: row.group_id,
      group_name: row.group_name,
      last4: row.last4,
      redemptions: row.use_number,
      max_redemptions: row.max_redemptions,
    },
    wallet: {
      id: row.wallet_id,
      phone: side.phone,
      balance: side.balance === null ? null : toMoney(side.balance, side.currency ?? row.currency),
    },
    transaction_id: side.transaction_id,
    workflow_id: row.workflow_id,
    trace_url: traceUrl(row.workflow_id),
    created_at: row.created_at.toISOString(),
    completed_at: row.state === 'completed' || row.state === 'reversed' ? (row.settled_at?.toISOString() ?? null) : null,
  };
}

export type RedemptionJson = ReturnType<typeof redemptionJson>;

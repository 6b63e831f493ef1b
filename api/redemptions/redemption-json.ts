import type { RedemptionRow } from '../../domains/gift-code/redemption.ts';
import type { WalletSide } from '../../domains/wallet/read-wallet-sides.ts';
import { toMoney } from '../../platform/money.ts';
import type { RedemptionItem } from '../../workflows/contracts.ts';
import type { StepTimes } from './endings.ts';

/** Where the Temporal Web UI shows a workflow; null where no UI is configured. Only for callers with `ops:read`. */
export type TraceUrl = (workflowId: string) => string | null;

/** A redemption as the API shows it, merged from both databases; its trace only where one may be shown. */
export function redemptionJson(row: RedemptionRow, side: WalletSide, traceUrl: TraceUrl | undefined) {
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
    ...trace(row.workflow_id, traceUrl),
    created_at: row.created_at.toISOString(),
    completed_at: completedAt(row),
  };
}

/** When a redemption was completed, also one that was reversed since. */
export const completedAt = ({ state, settled_at: at }: Pick<RedemptionRow, 'state' | 'settled_at'>): string | null =>
  state === 'completed' || state === 'reversed' ? (at?.toISOString() ?? null) : null;

/**
 * A redemption that was accepted and whose row is still to be written: ids are all there is.
 * @param workflowId where it is known which one it is in
 */
export function pendingJson(
  redemptionId: string,
  item: RedemptionItem | undefined,
  workflowId: string | undefined,
  traceUrl: TraceUrl | undefined,
) {
  return {
    id: redemptionId,
    state: 'pending' as const,
    amount: null,
    reference: item?.reference ?? null,
    code: item ? { id: item.codeId, group_id: item.groupId } : null,
    wallet: item ? { id: item.walletId } : null,
    transaction_id: null,
    ...(workflowId !== undefined && trace(workflowId, traceUrl)),
    created_at: item ? new Date(item.at).toISOString() : null,
    completed_at: null,
  };
}

const trace = (workflowId: string, traceUrl: TraceUrl | undefined) =>
  traceUrl && { workflow_id: workflowId, trace_url: traceUrl(workflowId) };

/** The times of the steps in this process, https://www.w3.org/TR/server-timing/. */
export function serverTiming(times: StepTimes): Record<string, string> {
  const metrics = Object.entries(times).map(([step, ms]) => `${step};dur=${ms.toFixed(1)}`);
  return metrics.length > 0 ? { 'Server-Timing': metrics.join(', ') } : {};
}

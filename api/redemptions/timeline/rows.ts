import type { RedemptionMilestones } from '../../../domains/gift-code/redemption-milestones.ts';
import type { TransferSummary } from '../../../domains/wallet/read-transfers.ts';
import { toMoney } from '../../../platform/money.ts';
import type { TimelineItem } from './item.ts';

/** What the row of the redemption itself tells. Of a reversal it holds no time: the transfer does. */
export function redemptionItems(row: RedemptionMilestones): TimelineItem[] {
  const item = (at: Date | null, what: string, detail: Record<string, unknown> = {}): TimelineItem[] =>
    at ? [{ at, source: 'row', what, detail: { part: 'gift-code', ...detail } }] : [];
  const { state, reason, codeId, groupId, walletId, amount, currency } = row;
  const ids = { code_id: codeId, group_id: groupId, wallet_id: walletId, amount: toMoney(amount, currency) };
  const ended = state === 'reversed' ? 'completed' : state;
  return [
    ...item(row.createdAt, state === 'refused' ? 'refused' : 'accepted', {
      ...ids,
      ...(state === 'refused' && { reason }),
    }),
    ...item(row.stuckAt, 'stuck'),
    ...item(state === 'refused' ? null : row.settledAt, ended, state === 'released' ? { reason } : {}),
  ];
}

const WHAT: Record<string, string> = { redemption: 'credited', void: 'voided', reversal: 'debited again' };

/** What the wallet decided, and what it took back. */
export function transferItems(transfers: TransferSummary[]): TimelineItem[] {
  return transfers.map(({ id, kind, walletId, amount, currency, reason, createdAt }) => ({
    at: createdAt,
    source: 'row',
    what: WHAT[kind] ?? kind,
    detail: {
      part: 'wallet',
      transaction_id: id,
      wallet_id: walletId,
      ...(amount !== null && currency !== null && { amount: toMoney(amount, currency) }),
      ...(reason !== null && { reason }),
    },
  }));
}

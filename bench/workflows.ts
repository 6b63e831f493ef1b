import { proxyActivities } from '@temporalio/workflow';
import type { GiftCodeActivities, RedemptionItem, WalletActivities } from '../workflows/contracts.ts';

/** A redemption as one would write it first: a workflow of its own with three regular activities, and no compensation. */
export async function naiveRedeem(item: RedemptionItem): Promise<void> {
  const { reserve, credit, confirm } = proxyActivities<GiftCodeActivities & WalletActivities>({
    startToCloseTimeout: '30 seconds',
  });
  const [reserved] = await reserve([item]);
  if (reserved?.is !== 'done') throw new Error('not reserved');
  const { amount = '', currency = '' } = reserved;
  const [credited] = await credit([{ redemptionId: item.redemptionId, walletId: item.walletId, amount, currency }]);
  if (credited?.is !== 'done') throw new Error('not credited');
  await confirm([item.redemptionId]);
}

/** Does nothing: what Temporal alone takes. */
export async function empty(): Promise<void> {}

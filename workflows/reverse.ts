import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { GiftCodeActivities, RedeemOptions, ReversalOrder, WalletActivities } from './contracts.ts';

const FIRST_RETRY_MS = 1_000;

/**
 * Takes a completed redemption back that is noted in the gift-code database. The debit decides: where the wallet holds too little, nothing has changed. After it
 * there is no way but forward, and the code's side is retried until it is done. It cannot be cancelled: nobody knows
 * whether a debit that was not answered was made.
 * @returns null, or why it was not taken back
 */
export async function reverse(order: ReversalOrder, options: RedeemOptions): Promise<string | null> {
  const { timeoutMs, retryMaxMs } = options;
  const retry = { initialInterval: Math.min(FIRST_RETRY_MS, retryMaxMs), maximumInterval: retryMaxMs };
  const retried = { startToCloseTimeout: timeoutMs, retry };
  const wallet = proxyActivities<WalletActivities>({ ...retried, taskQueue: options.taskQueues.wallet });
  const giftCode = proxyActivities<GiftCodeActivities>({ ...retried, taskQueue: options.taskQueues['gift-code'] });
  return await CancellationScope.nonCancellable(async () => {
    const refusal = await wallet.reverseCredit(order);
    if (refusal === null) await giftCode.reverseRedemption(order);
    else await giftCode.giveUpReversal(order.redemptionId);
    return refusal;
  });
}

import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import {
  GIVEN_UP,
  type GiftCodeActivities,
  type RedeemOptions,
  type ReversalOrder,
  type WalletActivities,
} from './contracts.ts';

const FIRST_RETRY_MS = 1_000;

/**
 * Takes a completed redemption back that is noted in the gift-code database. What is noted no longer is not begun: whoever asked
 * may have been told that it was refused. The debit decides: where the wallet holds too little, nothing has changed, and if nobody
 * has asked since, the note goes. After the debit there is no way but forward, and the code's side is retried until it is done. It
 * cannot be cancelled: nobody knows whether a debit that was not answered was made.
 * @returns null, or why it was not taken back
 */
export async function reverse(order: ReversalOrder, options: RedeemOptions): Promise<string | null> {
  const { timeoutMs, retryMaxMs } = options;
  const retry = { initialInterval: Math.min(FIRST_RETRY_MS, retryMaxMs), maximumInterval: retryMaxMs };
  const retried = { startToCloseTimeout: timeoutMs, retry };
  const wallet = proxyActivities<WalletActivities>({ ...retried, taskQueue: options.taskQueues.wallet });
  const giftCode = proxyActivities<GiftCodeActivities>({ ...retried, taskQueue: options.taskQueues['gift-code'] });
  const takeBack = async () => {
    const refusal = await wallet.reverseCredit(order);
    if (refusal === null) await giftCode.reverseRedemption(order);
    return refusal;
  };
  return await CancellationScope.nonCancellable(async () => {
    const { requestId, redemptionId } = order;
    if (requestId === undefined) return await takeBack();
    const note = { requestId, redemptionId };
    for (;;) {
      const asks = await giftCode.checkReversal(note);
      if (asks === null) return GIVEN_UP;
      const refusal = await takeBack();
      if (refusal === null || (await giftCode.giveUpReversal(note, asks))) return refusal;
    }
  });
}

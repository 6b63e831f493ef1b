import { setTimeout as sleep } from 'node:timers/promises';
import type { Services } from '../services.ts';
import type { RedemptionView } from './lookups.ts';

const READ_AGAIN_MS = 250;

/**
 * Reads a redemption, waiting for its end, and for that of its reversal, as long as is asked. `isReversing` says that one is under
 * way. @throws DatabaseUnavailable
 */
export async function readAtRest(
  { redemptions, giftCode }: Pick<Services, 'redemptions' | 'giftCode'>,
  redemptionId: string,
  waitMs: number,
): Promise<{ view: RedemptionView | undefined; isReversing: boolean }> {
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    // In this order: where none is under way, what is read then is how it ended.
    const reversal = await giftCode.readReversal(redemptionId);
    const view = await redemptions.read(redemptionId, Math.max(giveUpAt - performance.now(), 0));
    const isReversing = reversal !== undefined && view?.row.state === 'completed';
    const leftMs = giveUpAt - performance.now();
    if (!isReversing || leftMs <= 0) return { view, isReversing };
    await sleep(Math.min(READ_AGAIN_MS, leftMs));
  }
}

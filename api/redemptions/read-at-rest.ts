import { setTimeout as sleep } from 'node:timers/promises';
import type { Services } from '../services.ts';
import type { RedemptionView } from './lookups.ts';

/** A reversal takes some tens of milliseconds, or until what it needs is back. */
const FIRST_READ_AGAIN_MS = 20;
const READ_AGAIN_MS = 250;

export interface AtRest {
  view: RedemptionView | undefined;
  /** Its reversal is under way. */
  isReversing: boolean;
}

/**
 * Reads a redemption, waiting for its end, and for that of its reversal, as long as is asked.
 * @throws DatabaseUnavailable
 */
export async function readAtRest(
  { redemptions, giftCode }: Pick<Services, 'redemptions' | 'giftCode'>,
  redemptionId: string,
  waitMs: number,
): Promise<AtRest> {
  const giveUpAt = performance.now() + waitMs;
  for (let pauseMs = FIRST_READ_AGAIN_MS; ; pauseMs = Math.min(2 * pauseMs, READ_AGAIN_MS)) {
    // In this order: where none is under way, what is read then is how it ended.
    const reversal = await giftCode.readReversal(redemptionId);
    const view = await redemptions.read(redemptionId, Math.max(giveUpAt - performance.now(), 0));
    const isReversing = reversal !== undefined && view?.row.state === 'completed';
    const leftMs = giveUpAt - performance.now();
    if (!isReversing || leftMs <= 0) return { view, isReversing };
    await sleep(Math.min(pauseMs, leftMs));
  }
}

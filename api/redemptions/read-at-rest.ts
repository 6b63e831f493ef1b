import { setTimeout as sleep } from 'node:timers/promises';
import type { Services } from '../services.ts';
import type { RedemptionView } from './lookups.ts';

/** A reversal takes some tens of milliseconds, or until what it needs is back: it is told a quarter of its time late at most. */
const READ_AGAIN_AFTER = 0.25;
const READ_AGAIN_MS = { least: 20, most: 250 };

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
  const begunAt = performance.now();
  const giveUpAt = begunAt + waitMs;
  for (;;) {
    // In this order: where none is under way, what is read then is how it ended.
    const reversal = await giftCode.readReversal(redemptionId);
    const view = await redemptions.read(redemptionId, Math.max(giveUpAt - performance.now(), 0));
    const isReversing = reversal !== undefined && view?.row.state === 'completed';
    const leftMs = giveUpAt - performance.now();
    if (!isReversing || leftMs <= 0) return { view, isReversing };
    const pauseMs = READ_AGAIN_AFTER * (performance.now() - begunAt);
    await sleep(Math.min(Math.max(pauseMs, READ_AGAIN_MS.least), READ_AGAIN_MS.most, leftMs));
  }
}

import type { Progress, TimedStep } from '../../activities/progress.ts';
import type { RedemptionRow } from '../../domains/gift-code/redemption.ts';
import type { SettlementRow } from '../../domains/wallet/settlement.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { isProblemCode } from '../../platform/problems.ts';
import { type HandOver, STEPS } from '../../workflows/contracts.ts';

/** How a redemption ended, told by the activity whose commit ended it. */
export type Ending =
  | { outcome: 'completed'; redemption: RedemptionRow; settlement: SettlementRow }
  | { outcome: 'refused' | 'released'; reason: string };

/** Times of a redemption's steps in this process, in milliseconds, for Server-Timing. */
export type StepTimes = Partial<Record<'queue' | TimedStep, number>>;

/** What activities tell the gateway; the relays are told by whoever runs them. */
export type Heard = Omit<Progress, 'wrote'>;

/** Who waits for the end of which redemption, and word of it from this process's own activities. */
export interface Endings extends Heard {
  /** Waits for a redemption's end; `forget` it when nobody waits any more. @returns the times of its steps, as they come */
  expect(redemptionId: string, onEnd: (ending: Ending) => void): StepTimes;
  forget(redemptionId: string): void;
  onHandOver(listener: (notice: HandOver) => void): void;
}

interface Waiter {
  onEnd(ending: Ending): void;
  settlement?: SettlementRow;
  times: StepTimes;
}

export function createEndings(metrics: Metrics): Endings {
  const waiters = new Map<string, Waiter>();
  const handOverListeners: ((notice: HandOver) => void)[] = [];
  // There before it happens: of a series that begins with 1, Prometheus sees no increase.
  for (const step of STEPS) metrics.stuck.inc({ step }, 0);

  const end = (redemptionId: string, ending: Ending) => {
    waiters.get(redemptionId)?.onEnd(ending);
    waiters.delete(redemptionId);
  };
  return {
    expect(redemptionId, onEnd) {
      const times: StepTimes = {};
      waiters.set(redemptionId, { onEnd, times });
      return times;
    },
    forget: (redemptionId) => void waiters.delete(redemptionId),
    took(redemptionIds, step, ms) {
      metrics.steps.observe({ step }, ms / 1000);
      for (const id of redemptionIds) {
        const waiter = waiters.get(id);
        if (waiter) waiter.times[step] = ms;
      }
    },
    credited(settlements) {
      for (const settlement of settlements) {
        const waiter = waiters.get(settlement.id);
        if (waiter) waiter.settlement = settlement;
      }
    },
    completed(redemptions) {
      metrics.redemptions.inc({ outcome: 'completed', reason: '' }, redemptions.length);
      for (const redemption of redemptions) {
        const settlement = waiters.get(redemption.id)?.settlement;
        if (settlement) end(redemption.id, { outcome: 'completed', redemption, settlement });
      }
    },
    ended(redemptionId, ending) {
      const { outcome, reason } = ending;
      // What an operator gave as a reason is no label: there may be any number of them.
      metrics.redemptions.inc({ outcome, reason: isProblemCode(reason) ? reason : 'aborted' });
      end(redemptionId, ending);
    },
    handedOver(notice) {
      metrics.stuck.inc({ step: notice.step }, notice.redemptionIds.length);
      for (const listener of handOverListeners) listener(notice);
    },
    onHandOver: (listener) => void handOverListeners.push(listener),
  };
}

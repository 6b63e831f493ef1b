import type { RedemptionRow } from '../domains/gift-code/redemption.ts';
import type { SettlementRow } from '../domains/wallet/settlement.ts';
import type { Metrics } from '../platform/metrics.ts';
import { isProblemCode } from '../platform/problems.ts';
import type { HandOver } from '../workflows/contracts.ts';

/** How a redemption ended, told by the activity whose commit ended it. */
export type Ending =
  | { outcome: 'completed'; redemption: RedemptionRow; settlement: SettlementRow }
  | { outcome: 'refused' | 'released'; reason: string };

/** Times of a redemption's steps in this process, in milliseconds, for Server-Timing. */
export type StepTimes = Partial<Record<'queue' | 'reserve' | 'credit' | 'confirm', number>>;

interface Waiter {
  resolve(ending: Ending): void;
  settlement?: SettlementRow;
  times: StepTimes;
}

/**
 * Where activities leave word for the gateway of the same process, so that an answer needs neither Temporal nor another
 * query. It is a short cut and no more: who hears nothing reads the rows.
 */
export interface Progress {
  /** Waits for a redemption's end; `forget` it when nobody waits any more. */
  expect(redemptionId: string): { ending: Promise<Ending>; times: StepTimes };
  forget(redemptionId: string): void;
  took(redemptionIds: string[], step: keyof StepTimes, ms: number): void;
  credited(settlements: SettlementRow[]): void;
  completed(redemptions: RedemptionRow[]): void;
  ended(redemptionId: string, ending: Extract<Ending, { reason: string }>): void;
  handedOver(notice: HandOver): void;
  /** Commits made events: the relay need not wait for its poll. */
  wrote(part: 'gift-code' | 'wallet'): void;
  onHandOver(listener: (notice: HandOver) => void): void;
  onWrite(listener: (part: 'gift-code' | 'wallet') => void): void;
}

export function createProgress(metrics: Metrics): Progress {
  const waiters = new Map<string, Waiter>();
  const handOverListeners: ((notice: HandOver) => void)[] = [];
  const writeListeners: ((part: 'gift-code' | 'wallet') => void)[] = [];

  const end = (redemptionId: string, ending: Ending) => {
    waiters.get(redemptionId)?.resolve(ending);
    waiters.delete(redemptionId);
  };
  return {
    expect(redemptionId) {
      const times: StepTimes = {};
      const ending = new Promise<Ending>((resolve) => waiters.set(redemptionId, { resolve, times }));
      return { ending, times };
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
    wrote(part) {
      for (const listener of writeListeners) listener(part);
    },
    onHandOver: (listener) => void handOverListeners.push(listener),
    onWrite: (listener) => void writeListeners.push(listener),
  };
}

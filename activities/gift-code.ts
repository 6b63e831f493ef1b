import { confirm } from '../domains/gift-code/confirm.ts';
import type { GiftCodeDatabase } from '../domains/gift-code/database.ts';
import { release } from '../domains/gift-code/release.ts';
import { reserve } from '../domains/gift-code/reserve.ts';
import { asksForReversal, giveUpReversal, reverseRedemption } from '../domains/gift-code/reverse-redemption.ts';
import type { GiftCodeActivities, Outcome } from '../workflows/contracts.ts';
import { BrokenInvariant, orFailure } from './failures.ts';
import { statementLimitMs, workflowId } from './limit.ts';
import type { Progress } from './progress.ts';
import { runStep } from './run-step.ts';

/** The saga's steps in the gift-code database. Each is one call, answers one outcome per item, and may be repeated. */
export function giftCodeActivities(db: GiftCodeDatabase, progress: Progress): GiftCodeActivities {
  const run = <T>(step: 'reserve' | 'confirm' | 'release' | 'reverse', ids: string[], work: () => Promise<T>) =>
    runStep(progress, 'gift-code', step, ids, work);

  return {
    async reserve(items) {
      const ids = items.map((item) => item.redemptionId);
      const verdicts = await run('reserve', ids, () => reserve(db, items, workflowId(), statementLimitMs()));
      return verdicts.map((verdict, index): Outcome => {
        const { state, reason } = verdict;
        if (state === 'reserved' || state === 'completed' || state === 'reversed') {
          return { is: 'done', amount: String(verdict.amount), currency: verdict.currency ?? '' };
        }
        const outcome = state === 'released' ? 'released' : 'refused';
        return over(progress, ids[index], outcome, reason ?? 'code-not-found');
      });
    },

    async confirm(ids) {
      const rows = await run('confirm', ids, async () => {
        const confirmed = await confirm(db, ids, workflowId(), statementLimitMs());
        const finished = confirmed.filter((row) => row.state === 'completed' || row.state === 'reversed');
        if (finished.length !== ids.length) throw new BrokenInvariant('a credited redemption is not reserved');
        return finished;
      });
      progress.completed(rows);
      return ids.map(() => ({ is: 'done' }));
    },

    async release(items) {
      const ids = items.map((item) => item.redemptionId);
      const verdicts = await run('release', ids, async () => {
        const released = await release(db, items, workflowId(), statementLimitMs());
        if (released.some(({ state }) => state === 'completed' || state === 'reversed')) {
          throw new BrokenInvariant('a voided redemption is completed');
        }
        return released;
      });
      return verdicts.map(({ state, reason }, index) =>
        over(progress, ids[index], state === 'refused' ? 'refused' : 'released', reason ?? 'aborted'),
      );
    },

    checkReversal: (order) => orFailure('gift-code', () => asksForReversal(db, order, statementLimitMs())),

    giveUpReversal: (order, asks) => orFailure('gift-code', () => giveUpReversal(db, order, asks, statementLimitMs())),

    async reverseRedemption(order) {
      await run('reverse', [], async () => {
        const state = await reverseRedemption(db, order, statementLimitMs());
        if (state !== 'reversed') throw new BrokenInvariant(`a redemption that was taken back is ${state}`);
      });
    },
  };
}

function over(
  progress: Progress,
  redemptionId: string | undefined,
  outcome: 'refused' | 'released',
  reason: string,
): Outcome {
  if (redemptionId) progress.ended(redemptionId, { outcome, reason });
  return { is: 'over', outcome, reason };
}

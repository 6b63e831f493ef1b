import { credit } from '../domains/wallet/credit.ts';
import type { WalletDatabase } from '../domains/wallet/database.ts';
import { reverseCredit } from '../domains/wallet/reverse-credit.ts';
import { voidCredit } from '../domains/wallet/void.ts';
import type { Outcome, WalletActivities } from '../workflows/contracts.ts';
import { statementLimitMs } from './limit.ts';
import type { Progress } from './progress.ts';
import { runStep } from './run-step.ts';

/** The saga's steps in the wallet database, which decides. Each is one call, one outcome per item, and may be repeated. */
export function walletActivities(db: WalletDatabase, progress: Progress): WalletActivities {
  return {
    async credit(items) {
      const ids = items.map((item) => item.redemptionId);
      const orders = items.map((item) => ({ ...item, amount: BigInt(item.amount) }));
      const decisions = await runStep(progress, 'wallet', 'credit', ids, () => credit(db, orders, statementLimitMs()));
      progress.credited(decisions);
      return decisions.map(
        ({ voided, reason }): Outcome => (voided ? { is: 'refused', reason: reason ?? 'aborted' } : { is: 'done' }),
      );
    },

    async voidCredit(items) {
      const ids = items.map((item) => item.redemptionId);
      const decisions = await runStep(progress, 'wallet', 'void', ids, () => voidCredit(db, items, statementLimitMs()));
      progress.credited(decisions);
      return decisions.map(({ voided }): Outcome => (voided ? { is: 'done' } : { is: 'credited' }));
    },

    reverseCredit: (order) =>
      runStep(progress, 'wallet', 'reverse', [], () => reverseCredit(db, order, statementLimitMs())),
  };
}

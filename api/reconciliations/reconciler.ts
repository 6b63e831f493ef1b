import type { GatewayDatabase } from '../../domains/gateway/database.ts';
import {
  beginReconciliation,
  finishReconciliation,
  keepAlive,
  type Reconciliation,
  readReconciliation,
} from '../../domains/gateway/reconciliations.ts';
import type { GiftCodePart } from '../../domains/gift-code/operations.ts';
import type { WalletPart } from '../../domains/wallet/operations.ts';
import type { Logger } from '../../platform/logger.ts';
import { within } from '../../platform/within.ts';
import { reconcile } from './reconcile.ts';

export interface Reconciler {
  /**
   * Begins to prove the books, or joins the proof that is running or was begun under this id; answers when it is over, or
   * after `waitMs`.
   */
  run(id: string, waitMs: number): Promise<{ reconciliation: Reconciliation; begun: boolean }>;
}

interface Databases {
  gateway: GatewayDatabase;
  giftCode: GiftCodePart;
  wallet: WalletPart;
}

const ALIVE_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** Proves the books in this process, while a row tells of it. */
export function createReconciler({ gateway, giftCode, wallet }: Databases, logger: Logger): Reconciler {
  const prove = async (id: string): Promise<void> => {
    const alive = setInterval(() => keepAlive(gateway, id).catch(() => undefined), ALIVE_EVERY_MS);
    try {
      const { faults, ...findings } = await reconcile(giftCode, wallet);
      const { count, told } = faults;
      if (count > 0) logger.error({ reconciliation: id, faults: told.slice(0, 10) }, 'the books do not balance');
      await finishReconciliation(gateway, id, {
        state: count === 0 ? 'balanced' : 'unbalanced',
        findings: { ...findings, faultCount: count, faults: told },
      });
    } catch (error) {
      await finishReconciliation(gateway, id, { state: 'failed', error: String(error) });
    } finally {
      clearInterval(alive);
    }
  };

  /** As another request, maybe of another process, goes on proving it. */
  const whenOver = async (running: Reconciliation, waitMs: number): Promise<Reconciliation> => {
    const giveUpAt = performance.now() + waitMs;
    let latest = running;
    while (latest.state === 'running' && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      latest = (await readReconciliation(gateway, running.id).catch(() => undefined)) ?? latest;
    }
    return latest;
  };

  return {
    async run(wanted, waitMs) {
      const { reconciliation, begun } = await beginReconciliation(gateway, wanted);
      const { id } = reconciliation;
      if (!begun) return { reconciliation: await whenOver(reconciliation, waitMs), begun };
      const proof = prove(id).catch((error) => logger.error({ err: error, reconciliation: id }, 'not written down'));
      await within(waitMs, proof);
      const latest = await readReconciliation(gateway, id).catch(() => undefined);
      return { reconciliation: latest ?? reconciliation, begun };
    },
  };
}

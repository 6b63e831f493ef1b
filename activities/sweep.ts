import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { announceStuck } from '../domains/gift-code/announce-stuck.ts';
import type { GiftCodeDatabase } from '../domains/gift-code/database.ts';
import { runningGenerations } from '../domains/gift-code/read-generations.ts';
import { renewCodes } from '../domains/gift-code/renew-codes.ts';
import { type Reversal, readReversal, unfinishedReversals } from '../domains/gift-code/reverse-redemption.ts';
import { ROLL_PIECE, rollRedemptions } from '../domains/gift-code/roll-redemptions.ts';
import { advanceSweepMark, type StaleRedemption, staleRedemptions } from '../domains/gift-code/stale-redemptions.ts';
import type { CodeKeys } from '../platform/code-keys.ts';
import {
  generationWorkflowId,
  type RedeemOptions,
  redemptionWorkflowId,
  reversalWorkflowId,
  type SweepActivities,
} from '../workflows/contracts.ts';
import { orFailure } from './failures.ts';
import { isOpen } from './is-open.ts';
import { statementLimitMs } from './limit.ts';
import { startGeneration } from './start-generation.ts';
import { itemOf, startRedemption } from './start-redemption.ts';
import { reversalOrder, startReversal } from './start-reversal.ts';

const PAGE = 1_000;
/** Temporal is asked about so many at once: an outage may leave many thousands. */
const AT_ONCE = 16;
/** Codes are sealed anew under their locks, so that a redemption may wait for a piece. */
const RENEW_PIECE = 500;
/** A piece takes a core for itself; in between, redemptions have it for so many times as long, at most for so long. */
const RESTS = 4;
const LONGEST_REST_MS = 1_000;
/** Two time-outs of a step: a call checks its deadline within one, the other is for clocks that differ. */
const TRAIL_STEPS = 2;

/**
 * Picks up redemptions, reversals and generations whose workflow is gone: terminated by hand, or lost with Temporal's data.
 * Each gets a workflow of its own, which finds in the rows how far it came. Nothing is released by its age alone. A redemption
 * that is reserved for so long is stuck, and an event says so.
 */
export function sweepActivities(
  db: GiftCodeDatabase,
  codeKeys: CodeKeys,
  client: Client,
  taskQueue: string,
  options: RedeemOptions,
): SweepActivities {
  const isWorkedOn = async (stale: StaleRedemption) =>
    (await isOpen(client, redemptionWorkflowId(stale.id))) || (await isOpen(client, stale.workflow_id));

  const sweepReversals = async (afterMs: number): Promise<number> => {
    let pickedUp = 0;
    let page: Reversal[] = [];
    do {
      page = await unfinishedReversals(db, afterMs, page.at(-1), PAGE);
      pickedUp += await countOf(page, async (reversal) => {
        if (await isOpen(client, reversalWorkflowId(reversal.redemptionId))) return false;
        // It may have been over just before its workflow was.
        if (!(await readReversal(db, reversal.redemptionId))) return false;
        return await startReversal(client, taskQueue, reversalOrder(reversal), options);
      });
    } while (page.length === PAGE);
    return pickedUp;
  };

  const trailMs = TRAIL_STEPS * options.timeoutMs;
  return {
    sweepRedemptions: (afterMs) =>
      orFailure('gift-code', async () => {
        // Behind it no row may come to be any more: see `roll_redemptions`.
        await advanceSweepMark(db, Math.max(afterMs, trailMs));
        // First: they are few, and to read all of the others may take longer than an attempt has.
        let pickedUp = await sweepReversals(afterMs);
        let page: StaleRedemption[] = [];
        do {
          page = await staleRedemptions(db, afterMs, page.at(-1), PAGE);
          if (page.length > 0) await announceStuck(db, page);
          pickedUp += await countOf(page, async (stale) => {
            if (await isWorkedOn(stale)) return false;
            await startRedemption(client, taskQueue, itemOf(stale), options);
            return true;
          });
        } while (page.length === PAGE);
        return pickedUp;
      }),

    sweepGenerations: (afterMs) =>
      orFailure('gift-code', async () => {
        return await countOf(await runningGenerations(db, afterMs, PAGE), async (order) => {
          if (await isOpen(client, generationWorkflowId(order.generationId))) return false;
          await startGeneration(client, taskQueue, order, options);
          return true;
        });
      }),

    rollRedemptions: () =>
      orFailure('gift-code', () => rollRedemptions(db, { piece: ROLL_PIECE, trailMs }, withRests())),

    renewCodes: () => orFailure('gift-code', () => renewCodes(db, codeKeys, RENEW_PIECE, withRests())),
  };
}

/** How many of a list were picked up. */
async function countOf<Item>(items: Item[], isPickedUp: (item: Item) => Promise<boolean>): Promise<number> {
  let count = 0;
  for (let from = 0; from < items.length; from += AT_ONCE) {
    const pickedUp = await Promise.all(items.slice(from, from + AT_ONCE).map(isPickedUp));
    count += pickedUp.filter((is) => is).length;
  }
  return count;
}

/** After each piece of work, a rest; no more pieces when the attempt has had its time. */
function withRests(): (tookMs: number) => Promise<boolean> {
  const endAt = performance.now() + statementLimitMs();
  return async (tookMs) => {
    await sleep(Math.min(RESTS * tookMs, LONGEST_REST_MS));
    return performance.now() < endAt;
  };
}

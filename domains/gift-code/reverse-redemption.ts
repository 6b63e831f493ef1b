import { and, asc, eq, gt, lt, or, sql } from 'drizzle-orm';
import { callFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import { redemptions, reversals } from './schema.ts';

/** What is noted of a completed redemption that is to be taken back. */
export interface ReversalNote {
  redemptionId: string;
  /** The use of its code is to stay spent. */
  keepPlace: boolean;
  reason: string;
}

/** A reversal that is under way. */
export interface Reversal extends ReversalNote {
  begunAt: Date;
}

const beginFunction = { name: 'begin_reversal_1', types: ['uuid', 'boolean', 'text'] };
const giveUpFunction = { name: 'give_up_reversal_1', types: ['uuid', 'timestamptz'] };
const reverseFunction = { name: 'reverse_redemption_3', types: ['uuid', 'boolean', 'text', 'timestamptz'] };

/**
 * Calls `begin_reversal`. @returns the reversal as it is noted, by this order or by an earlier one; undefined where the
 * redemption is not completed. @throws DatabaseUnavailable
 */
export async function beginReversal(
  db: GiftCodeDatabase,
  { redemptionId, keepPlace, reason }: ReversalNote,
  timeoutMs: number,
): Promise<(ReversalNote & { begun: boolean }) | undefined> {
  const values = [redemptionId, keepPlace, reason];
  const [noted] = await callFunction<{ begun: boolean; keep_place_noted: boolean; reason_noted: string }>(
    db.door,
    beginFunction,
    values,
    timeoutMs,
  );
  return noted && { redemptionId, keepPlace: noted.keep_place_noted, reason: noted.reason_noted, begun: noted.begun };
}

/** Calls `give_up_reversal`. @throws DatabaseUnavailable, retryable */
export async function giveUpReversal(db: GiftCodeDatabase, redemptionId: string, timeoutMs: number): Promise<void> {
  await callFunction(db.steps, giveUpFunction, [redemptionId, deadline(db, timeoutMs)], timeoutMs);
}

/** Calls `reverse_redemption`. @returns the state of the row. @throws DatabaseUnavailable, retryable */
export async function reverseRedemption(
  db: GiftCodeDatabase,
  order: ReversalNote,
  timeoutMs: number,
): Promise<string | undefined> {
  const values = [order.redemptionId, order.keepPlace, order.reason, deadline(db, timeoutMs)];
  const [row] = await callFunction<{ reverse_redemption_3: string }>(db.steps, reverseFunction, values, timeoutMs);
  return row?.reverse_redemption_3;
}

const deadline = (db: GiftCodeDatabase, timeoutMs: number) => new Date(db.nowMs() + timeoutMs);

/** The reversal of a redemption that is under way. */
export async function readReversal(db: GiftCodeDatabase, redemptionId: string): Promise<Reversal | undefined> {
  const [reversal] = await db.orm.select().from(reversals).where(eq(reversals.redemptionId, redemptionId));
  return reversal;
}

/** A page of the reversals that have been under way for longer than `afterMs`, oldest first, from behind the last one before. */
export function unfinishedReversals(
  db: GiftCodeDatabase,
  afterMs: number,
  last: Reversal | undefined,
  limit: number,
): Promise<Reversal[]> {
  const { begunAt, redemptionId } = reversals;
  return db.orm
    .select()
    .from(reversals)
    .where(
      and(
        lt(begunAt, sql`now() - make_interval(secs => ${afterMs}::double precision / 1000)`),
        last && or(gt(begunAt, last.begunAt), and(eq(begunAt, last.begunAt), gt(redemptionId, last.redemptionId))),
      ),
    )
    .orderBy(asc(begunAt), asc(redemptionId))
    .limit(limit);
}

/** Whether a redemption that was reversed still holds its use of the code. */
export async function isPlaceKept(db: GiftCodeDatabase, redemptionId: string): Promise<boolean | undefined> {
  const [row] = await db.orm
    .select({ placeKept: redemptions.placeKept })
    .from(redemptions)
    .where(eq(redemptions.id, redemptionId));
  return row?.placeKept;
}

import { and, asc, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import { callFunction, query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import { redemptions, reversals } from './schema.ts';

/** What is to be done with a completed redemption that is to be taken back. */
export interface ReversalNote {
  redemptionId: string;
  /** The use of its code is to stay spent. */
  keepPlace: boolean;
  reason: string;
}

/** An order to take a redemption back, under the id of the request that gave it. */
export interface ReversalRequest extends ReversalNote {
  requestId: string;
}

/** A reversal that is under way. */
export interface Reversal extends ReversalRequest {
  begunAt: Date;
}

const beginFunction = { name: 'begin_reversal_1', types: ['uuid', 'uuid', 'boolean', 'text'] };
const giveUpFunction = { name: 'give_up_reversal_1', types: ['uuid', 'uuid', 'integer', 'timestamptz'] };
const reverseFunction = { name: 'reverse_redemption_3', types: ['uuid', 'boolean', 'text', 'timestamptz'] };

/**
 * Calls `begin_reversal`. @returns what is noted: this order, an earlier one of the same redemption, or what the same request was
 * for; undefined where the redemption is not completed. @throws DatabaseUnavailable
 */
export async function beginReversal(
  db: GiftCodeDatabase,
  { requestId, redemptionId, keepPlace, reason }: ReversalRequest,
  timeoutMs: number,
): Promise<(ReversalRequest & { begun: boolean }) | undefined> {
  const [noted] = await callFunction<{
    request_noted: string;
    redemption_noted: string;
    keep_place_noted: boolean;
    reason_noted: string;
    begun: boolean;
  }>(db.door, beginFunction, [requestId, redemptionId, keepPlace, reason], timeoutMs);
  return (
    noted && {
      requestId: noted.request_noted,
      redemptionId: noted.redemption_noted,
      keepPlace: noted.keep_place_noted,
      reason: noted.reason_noted,
      begun: noted.begun,
    }
  );
}

/** How often a reversal has been asked for; null where it is over, or was given up. @throws DatabaseUnavailable, retryable */
export async function asksForReversal(
  db: GiftCodeDatabase,
  { requestId, redemptionId }: Pick<ReversalRequest, 'requestId' | 'redemptionId'>,
  timeoutMs: number,
): Promise<number | null> {
  const text = 'select asks from reversals where request_id = $1 and redemption_id = $2 and ended_at is null';
  const { rows } = await query<{ asks: number }>(db.steps, { text, values: [requestId, redemptionId] }, timeoutMs);
  return rows[0]?.asks ?? null;
}

/**
 * Calls `give_up_reversal`. @returns whether it is given up: not where it was asked for more often than `asks` times.
 * @throws DatabaseUnavailable, retryable
 */
export async function giveUpReversal(
  db: GiftCodeDatabase,
  { requestId, redemptionId }: Pick<ReversalRequest, 'requestId' | 'redemptionId'>,
  asks: number,
  timeoutMs: number,
): Promise<boolean> {
  const values = [requestId, redemptionId, asks, deadline(db, timeoutMs)];
  const [row] = await callFunction<{ give_up_reversal_1: boolean }>(db.steps, giveUpFunction, values, timeoutMs);
  return row?.give_up_reversal_1 === true;
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
  const [reversal] = await db.orm
    .select()
    .from(reversals)
    .where(and(eq(reversals.redemptionId, redemptionId), isNull(reversals.endedAt)));
  return reversal;
}

/** What a request has had taken back, or is having. */
export async function reversalOfRequest(db: GiftCodeDatabase, requestId: string): Promise<ReversalRequest | undefined> {
  const [reversal] = await db.orm.select().from(reversals).where(eq(reversals.requestId, requestId));
  return reversal;
}

/** A page of the reversals that have been under way for longer than `afterMs`, oldest first, from behind the last one before. */
export function unfinishedReversals(
  db: GiftCodeDatabase,
  afterMs: number,
  last: Reversal | undefined,
  limit: number,
): Promise<Reversal[]> {
  const { begunAt, endedAt, redemptionId } = reversals;
  return db.orm
    .select()
    .from(reversals)
    .where(
      and(
        isNull(endedAt),
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

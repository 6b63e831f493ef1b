import { eq } from 'drizzle-orm';
import { callFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import { redemptions } from './schema.ts';

const reverseFunction = { name: 'reverse_redemption_2', types: ['uuid', 'boolean', 'text', 'timestamptz'] };

/** Calls `reverse_redemption`. @returns the state of the row. @throws DatabaseUnavailable, retryable */
export async function reverseRedemption(
  db: GiftCodeDatabase,
  order: { redemptionId: string; keepPlace: boolean; reason: string },
  timeoutMs: number,
): Promise<string | undefined> {
  const deadline = new Date(db.nowMs() + timeoutMs);
  const values = [order.redemptionId, order.keepPlace, order.reason, deadline];
  const [row] = await callFunction<{ reverse_redemption_2: string }>(db.steps, reverseFunction, values, timeoutMs);
  return row?.reverse_redemption_2;
}

/** Whether a redemption that was reversed still holds its use of the code. */
export async function isPlaceKept(db: GiftCodeDatabase, redemptionId: string): Promise<boolean | undefined> {
  const [row] = await db.orm
    .select({ placeKept: redemptions.placeKept })
    .from(redemptions)
    .where(eq(redemptions.id, redemptionId));
  return row?.placeKept;
}

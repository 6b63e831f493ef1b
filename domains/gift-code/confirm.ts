import { callFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { RedemptionRow } from './redemption.ts';

const confirmFunction = { name: 'confirm_1', types: ['uuid[]', 'text', 'timestamptz'] };

/**
 * Calls `confirm`. @returns the rows of those redemptions that have one, in no promised order, whatever their state.
 * @throws DatabaseUnavailable, retryable; DataError
 */
export function confirm(
  db: GiftCodeDatabase,
  redemptionIds: string[],
  workflowId: string,
  timeoutMs: number,
): Promise<RedemptionRow[]> {
  const deadline = new Date(db.nowMs() + timeoutMs);
  return callFunction<RedemptionRow>(db.steps, confirmFunction, [redemptionIds, workflowId, deadline], timeoutMs);
}

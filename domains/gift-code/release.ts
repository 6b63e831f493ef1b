import { callFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { ReserveItem } from './reserve.ts';

export interface ReleaseItem extends ReserveItem {
  reason: string;
}

/** The state of the redemption's row afterwards; null where its code does not exist. */
export interface ReleaseVerdict {
  state: 'reserved' | 'completed' | 'released' | 'refused' | 'reversed' | null;
  reason: string | null;
}

const releaseFunction = {
  name: 'release_1',
  types: ['uuid[]', 'uuid[]', 'uuid[]', 'uuid[]', 'text[]', 'text[]', 'text', 'timestamptz'],
};

/** Calls `release`. @returns one verdict per item, in order. @throws DatabaseUnavailable, retryable; DataError */
export function release(
  db: GiftCodeDatabase,
  items: ReleaseItem[],
  workflowId: string,
  timeoutMs: number,
): Promise<ReleaseVerdict[]> {
  return callFunction<ReleaseVerdict>(
    db.steps,
    releaseFunction,
    [
      items.map((item) => item.redemptionId),
      items.map((item) => item.codeId),
      items.map((item) => item.walletId),
      items.map((item) => item.clientId),
      items.map((item) => item.reference ?? null),
      items.map((item) => item.reason),
      workflowId,
      new Date(db.nowMs() + timeoutMs),
    ],
    timeoutMs,
  );
}

import { callFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface ReserveItem {
  redemptionId: string;
  codeId: string;
  walletId: string;
  clientId: string;
  reference?: string | undefined;
  /** When the door let it in, by the database's clock: milliseconds since 1970. Windows are judged at this time. */
  at: number;
}

/**
 * `state` is that of the redemption's row: `reserved` and what came of it since, or `refused` with the reason. Without a
 * state there is no verdict: `code-not-found`, or `idempotency-key-reused` where the row is about something else.
 */
export interface ReserveVerdict {
  state: 'reserved' | 'completed' | 'released' | 'refused' | 'reversed' | null;
  reason: string | null;
  /** Minor units. */
  amount: bigint | null;
  currency: string | null;
}

const reserveFunction = {
  name: 'reserve_1',
  types: ['uuid[]', 'uuid[]', 'uuid[]', 'uuid[]', 'text[]', 'timestamptz[]', 'text', 'timestamptz'],
};

/** Calls `reserve`. @returns one verdict per item, in order. @throws DatabaseUnavailable, retryable; DataError */
export function reserve(
  db: GiftCodeDatabase,
  items: ReserveItem[],
  workflowId: string,
  timeoutMs: number,
): Promise<ReserveVerdict[]> {
  return callFunction<ReserveVerdict>(
    db.steps,
    reserveFunction,
    [
      items.map((item) => item.redemptionId),
      items.map((item) => item.codeId),
      items.map((item) => item.walletId),
      items.map((item) => item.clientId),
      items.map((item) => item.reference ?? null),
      items.map((item) => new Date(item.at).toISOString()),
      workflowId,
      new Date(db.nowMs() + timeoutMs),
    ],
    timeoutMs,
  );
}

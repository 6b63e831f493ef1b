import { callFunction } from '../../platform/database.ts';
import type { WalletDatabase } from './database.ts';

export type ReversalRefusal = 'not-credited' | 'insufficient-funds';

const reverseFunction = { name: 'reverse_credit_1', types: ['uuid', 'uuid', 'text', 'timestamptz'] };

/** Calls `reverse_credit`. @returns null, or why nothing was taken back. @throws DatabaseUnavailable, retryable */
export async function reverseCredit(
  db: WalletDatabase,
  order: { redemptionId: string; reversalId: string; reason: string },
  timeoutMs: number,
): Promise<ReversalRefusal | null> {
  const values = [order.redemptionId, order.reversalId, order.reason, new Date(db.nowMs() + timeoutMs)];
  const [row] = await callFunction<{ reverse_credit_1: ReversalRefusal | null }>(
    db.steps,
    reverseFunction,
    values,
    timeoutMs,
  );
  return row?.reverse_credit_1 ?? null;
}

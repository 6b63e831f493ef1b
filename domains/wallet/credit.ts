import { callFunction, plainList } from '../../platform/database.ts';
import type { WalletDatabase } from './database.ts';
import type { SettlementRow } from './settlement.ts';

export interface CreditItem {
  redemptionId: string;
  walletId: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
}

const creditFunction = { name: 'credit_1', types: ['uuid[]', 'uuid[]', 'bigint[]', 'text[]', 'timestamptz'] };

/** Calls `credit`. @returns one decision per item, in order. @throws DatabaseUnavailable, retryable; DataError */
export async function credit(db: WalletDatabase, items: CreditItem[], timeoutMs: number): Promise<SettlementRow[]> {
  const decisions = await callFunction<SettlementRow>(
    db.steps,
    creditFunction,
    [
      items.map((item) => item.redemptionId),
      items.map((item) => item.walletId),
      items.map((item) => String(item.amount)),
      plainList(items.map((item) => item.currency)),
      new Date(db.nowMs() + timeoutMs),
    ],
    timeoutMs,
  );
  const byId = new Map(decisions.map((decision) => [decision.id, decision]));
  return items.map(({ redemptionId }) => {
    const decision = byId.get(redemptionId);
    if (!decision) throw new Error('credit answered without one of its decisions');
    return decision;
  });
}

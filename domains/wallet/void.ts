import { callFunction } from '../../platform/database.ts';
import type { WalletDatabase } from './database.ts';
import type { SettlementRow } from './settlement.ts';

export interface VoidItem {
  redemptionId: string;
  walletId: string;
  reason: string;
}

const voidFunction = { name: 'void_1', types: ['uuid[]', 'uuid[]', 'text[]', 'timestamptz'] };

/** Calls `void`, which undoes credit. @returns one decision per item, in order. @throws DatabaseUnavailable, retryable; DataError */
export function voidCredit(db: WalletDatabase, items: VoidItem[], timeoutMs: number): Promise<SettlementRow[]> {
  return callFunction<SettlementRow>(
    db.steps,
    voidFunction,
    [
      items.map((item) => item.redemptionId),
      items.map((item) => item.walletId),
      items.map((item) => item.reason),
      new Date(db.nowMs() + timeoutMs),
    ],
    timeoutMs,
  );
}

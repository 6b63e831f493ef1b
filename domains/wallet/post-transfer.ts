import { callFunction } from '../../platform/database.ts';
import type { WalletDatabase } from './database.ts';

export interface TransferOrder {
  /** The transfer's id; the same id is posted once. */
  id: string;
  kind: 'credit' | 'debit';
  walletId: string;
  clientId: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  reference: string | null;
  note: string | null;
}

export type TransferRefusal =
  | 'wallet-not-found'
  | 'wallet-frozen'
  | 'currency-mismatch'
  | 'balance-limit'
  | 'insufficient-funds'
  | 'reference-reused';

const postFunction = {
  name: 'post_transfer_1',
  types: ['uuid', 'text', 'uuid', 'uuid', 'bigint', 'text', 'text', 'text'],
};

/**
 * Credits or debits a wallet by an operator's order. `replayed` says that the id had its transfer already, maybe another
 * one than was ordered: compare. @throws DatabaseUnavailable
 */
export async function postTransfer(
  db: WalletDatabase,
  order: TransferOrder,
  timeoutMs: number,
): Promise<{ refusal: TransferRefusal | null; replayed: boolean }> {
  const [answer] = await callFunction<{ refusal: TransferRefusal | null; replayed: boolean }>(
    db.door,
    postFunction,
    [
      order.id,
      order.kind,
      order.walletId,
      order.clientId,
      String(order.amount),
      order.currency,
      order.reference,
      order.note,
    ],
    timeoutMs,
  );
  if (!answer) throw new Error('post_transfer_1 answered no row');
  return answer;
}

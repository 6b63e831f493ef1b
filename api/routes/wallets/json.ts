import type { Transfer } from '../../../domains/wallet/read-transfers.ts';
import type { Wallet } from '../../../domains/wallet/read-wallets.ts';
import { toMoney } from '../../../platform/money.ts';

/** A wallet as the API shows it. */
export function walletJson(wallet: Wallet) {
  return {
    id: wallet.id,
    phone: wallet.phone,
    balance: toMoney(wallet.balance, wallet.currency),
    state: wallet.state,
    created_at: wallet.createdAt.toISOString(),
  };
}

/** A movement of a wallet as the API shows it. @throws Error for a void, which moves nothing */
export function transactionJson(transfer: Transfer) {
  const { amount, currency, balanceAfter } = transfer;
  if (amount === null || currency === null || balanceAfter === null) throw new Error('a void is no transaction');
  const redemptionId = transfer.kind === 'redemption' ? transfer.id : transfer.reverses;
  return {
    id: transfer.id,
    kind: transfer.kind,
    direction: transfer.creditAccount === transfer.walletId ? 'credit' : 'debit',
    amount: toMoney(amount, currency),
    balance_after: toMoney(balanceAfter, currency),
    reference: transfer.reference,
    note: transfer.note,
    ...(redemptionId !== null && { redemption_id: redemptionId }),
    created_at: transfer.createdAt.toISOString(),
  };
}

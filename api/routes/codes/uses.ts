import type { Holder } from '../../../domains/gift-code/read-holders.ts';
import type { WalletPart } from '../../../domains/wallet/operations.ts';
import type { WalletSide } from '../../../domains/wallet/read-wallet-sides.ts';

/** Who redeemed a code, and when. */
export interface CodeUse {
  row: Holder;
  side: WalletSide | undefined;
}

const TIMEOUT_MS = 10_000;

/** Adds the wallets' side to redemptions of codes, in order. @throws DatabaseUnavailable */
export async function codeUses(wallet: WalletPart, rows: Holder[]): Promise<CodeUse[]> {
  const sides = await wallet.readWalletSides(rows, TIMEOUT_MS);
  return rows.map((row, index) => ({ row, side: sides[index] }));
}

import { callFunction } from '../../platform/database.ts';
import type { WalletDatabase } from './database.ts';

/** The wallet's side of a redemption: as its transfer left the wallet, else as the wallet is now. Null: no such wallet. */
export interface WalletSide {
  wallet_id: string | null;
  phone: string | null;
  currency: string | null;
  /** Minor units. */
  balance: bigint | null;
  transaction_id: string | null;
  credited_at: Date | null;
}

const readFunction = { name: 'read_wallet_sides_1', types: ['uuid[]', 'uuid[]'] };

/** @returns one side per redemption, in order. @throws DatabaseUnavailable */
export async function readWalletSides(
  db: WalletDatabase,
  redemptions: { id: string; wallet_id: string }[],
  timeoutMs: number,
): Promise<WalletSide[]> {
  if (redemptions.length === 0) return [];
  const ids = redemptions.map((redemption) => redemption.id);
  const walletIds = redemptions.map((redemption) => redemption.wallet_id);
  return await callFunction<WalletSide>(db.door, readFunction, [ids, walletIds], timeoutMs);
}

import { bound } from '../../platform/bound.ts';
import { partOperations } from '../../platform/part-operations.ts';
import { readCreditsOf, readCreditsOfWallets, readDecisions, readReversals, readWalletBooks } from './books.ts';
import type { WalletDatabase } from './database.ts';
import { ensureWallets } from './ensure-wallets.ts';
import { findWallets } from './find-wallets.ts';
import { postTransfer } from './post-transfer.ts';
import { probeWallet } from './probe.ts';
import { listTransfers, readTransfer, readTransfers } from './read-transfers.ts';
import { readWalletSides } from './read-wallet-sides.ts';
import { listWallets, readWallet, readWallets, readWalletsOfPhone } from './read-wallets.ts';
import { updateWallet } from './update-wallet.ts';

/** What the wallet part does for the gateway, in its process or behind `vouchsafe serve wallet`. */
export type WalletPart = ReturnType<typeof walletOperations>;

export const walletOperations = (db: WalletDatabase) => ({
  ...partOperations(db),
  ...bound(
    {
      ensureWallets,
      findWallets,
      listTransfers,
      listWallets,
      postTransfer,
      probe: probeWallet,
      readCreditsOf,
      readCreditsOfWallets,
      readDecisions,
      readReversals,
      readTransfer,
      readTransfers,
      readWallet,
      readWalletBooks,
      readWallets,
      readWalletSides,
      readWalletsOfPhone,
      updateWallet,
    },
    db,
  ),
});

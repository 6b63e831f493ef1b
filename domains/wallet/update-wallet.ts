import { eq } from 'drizzle-orm';
import { inTransaction } from '../../platform/database.ts';
import type { WalletDatabase } from './database.ts';
import type { Wallet } from './read-wallets.ts';
import { batchOfOne, outboxBatches, wallets } from './schema.ts';

/** Freezes or unfreezes a wallet. @returns it before and after; nothing where there is no such wallet */
export async function updateWallet(
  db: WalletDatabase,
  id: string,
  changes: Pick<Wallet, 'state'>,
): Promise<{ before: Wallet; wallet: Wallet } | undefined> {
  return await inTransaction(db.reads, async (transaction) => {
    const [before] = await transaction.select().from(wallets).where(eq(wallets.id, id)).for('no key update');
    if (!before) return undefined;
    if (before.state === changes.state) return { before, wallet: before };
    const [wallet] = await transaction
      .update(wallets)
      .set({ ...changes, version: before.version + 1n })
      .where(eq(wallets.id, id))
      .returning();
    if (!wallet) throw new Error('a locked wallet vanished');
    await transaction.insert(outboxBatches).values(
      batchOfOne('wallet', {
        id,
        version: Number(wallet.version),
        type: changes.state === 'frozen' ? 'wallet.frozen' : 'wallet.unfrozen',
        data: { wallet_id: id },
      }),
    );
    return { before, wallet };
  });
}

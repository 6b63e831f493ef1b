import type { Transaction, Wallet } from '../api-types.ts';
import { type Client, path } from '../client.ts';
import type { Explanation } from './explanation.ts';
import { newestRedemptions } from './redemption-stories.ts';

const NEWEST = 10;

/** Wallets of one phone, each with what moved, and what the phone redeemed. */
export async function explainWallets(
  client: Client,
  kind: 'phone' | 'wallet',
  wallets: Wallet[],
): Promise<Explanation> {
  const withTransactions = wallets.map(async (wallet) => {
    const list = path`/v1/wallets/${wallet.id}/transactions`;
    return { wallet, transactions: (await client.list<Transaction>(list, {}, NEWEST)).items };
  });
  const phone = wallets[0]?.phone;
  return {
    kind,
    wallets: await Promise.all(withTransactions),
    redemptions: phone === undefined ? [] : await newestRedemptions(client, { phone }),
  };
}

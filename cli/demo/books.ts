import { formatAmount } from '../../platform/money.ts';
import type { Transaction, Wallet } from '../api-types.ts';
import { path } from '../client.ts';
import { CliError, EXIT } from '../errors.ts';
import { moneyText } from '../output.ts';
import { heading, type Stage } from './stage.ts';
import { withDatabase } from './wallet-database.ts';

/** One currency's totals, in minor units, as decimal texts: sums may be larger than any one balance. */
interface Totals {
  currency: string;
  wallets: string;
  balances: string;
  credits: string;
  debits: string;
  wrong: string;
}

/** One statement, so one snapshot: it is right while money moves. */
const TOTALS = `
  with moved as (
    select wallet_id,
           sum(amount) filter (where credit_account = wallet_id) as credits,
           sum(amount) filter (where debit_account = wallet_id) as debits
      from transfers where kind <> 'void' group by wallet_id
  )
  select currency, count(*) as wallets, sum(balance) as balances,
         sum(coalesce(credits, 0)) as credits, sum(coalesce(debits, 0)) as debits,
         count(*) filter (where balance <> coalesce(credits, 0) - coalesce(debits, 0)) as wrong
    from wallets left join moved on wallet_id = wallets.id
   group by currency order by currency`;

/** Adds up what was moved and compares it with what wallets hold. @throws CliError when they differ */
export async function books(stage: Stage): Promise<void> {
  heading(stage, 'The books agree');
  await oneWallet(stage);
  const { walletDatabaseUrl } = stage.cli.settings();
  if (walletDatabaseUrl !== undefined) await allWallets(stage, walletDatabaseUrl);
}

async function oneWallet(stage: Stage): Promise<void> {
  const client = stage.cli.client();
  const { currency } = stage.group.amount;
  const wallet = await client.request<Wallet>('GET', path`/v1/wallets/${stage.phone}`, { query: { currency } });
  const { items } = await client.list<Transaction>(path`/v1/wallets/${wallet.id}/transactions`, {}, Infinity);
  const sum = items.reduce(
    (total, { direction, amount }) => total + (direction === 'debit' ? -1 : 1) * amount.value,
    0,
  );
  const sumText = moneyText({ value: sum, currency });
  stage.cli.out.details({
    [stage.phone]: `${moneyText(wallet.balance)}, the sum of its ${items.length} transactions: ${sumText}`,
  });
  if (sum !== wallet.balance.value) throw new CliError(EXIT.refused, `wallet ${wallet.id} does not add up`);
}

async function allWallets(stage: Stage, databaseUrl: string): Promise<void> {
  const { rows } = await withDatabase(databaseUrl, (database) => database.query<Totals>(TOTALS));
  stage.cli.out.table(rows, {
    CURRENCY: ({ currency }) => currency,
    WALLETS: ({ wallets }) => wallets,
    CREDITS: ({ credits, currency }) => formatAmount(BigInt(credits), currency),
    DEBITS: ({ debits, currency }) => formatAmount(BigInt(debits), currency),
    BALANCES: ({ balances, currency }) => formatAmount(BigInt(balances), currency),
    'WALLETS THAT DIFFER': ({ wrong }) => wrong,
  });
  if (rows.some(({ wrong }) => wrong !== '0')) throw new CliError(EXIT.refused, 'the books do not agree');
}

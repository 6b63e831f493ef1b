import type { Command } from 'commander';
import type { Transaction, Wallet } from '../api-types.ts';
import { type Cli, idempotencyKey, type JsonOption } from '../cli.ts';
import { path, type Query } from '../client.ts';
import {
  amountOf,
  createdBetween,
  dataCommand,
  idempotencyOption,
  isId,
  type ListOptions,
  listCommand,
  listLimit,
} from '../options.ts';
import { type Columns, moneyText, type Output } from '../output.ts';
import { printList } from '../print-list.ts';

interface CurrencyOption extends JsonOption {
  currency?: string;
}

interface Filters extends ListOptions {
  phone?: string;
  currency?: string;
  state?: string;
}

interface MovementOptions extends CurrencyOption {
  reference?: string;
  note?: string;
  idempotencyKey?: string;
}

const PHONE = '<phone|id>';

export function addWallets(program: Command, cli: Cli): void {
  const wallets = program.command('wallets').description('wallets, their balances and transactions');

  withCurrency(dataCommand(wallets, 'create <phone>', 'make a wallet', 'wallets create +989121234567'))
    .addOption(idempotencyOption())
    .action(async (phone: string, options: CurrencyOption & { idempotencyKey?: string }) => {
      const body = { phone, ...(options.currency && { currency: options.currency }) };
      const key = idempotencyKey(options);
      const wallet = await cli.client().request<Wallet>('POST', '/v1/wallets', { body, idempotencyKey: key });
      cli.print(options, wallet, showWallet);
    });

  withCurrency(listCommand(wallets, 'list', 'list wallets, newest first', 'wallets list --currency USD'))
    .option('--phone <phone>')
    .option('--state <state>', 'active or frozen')
    .action(async (options: Filters) => {
      const { phone, currency, state } = options;
      const query = { phone, currency, state, ...createdBetween(options) };
      await printList(cli, options, '/v1/wallets', query, listLimit(options), walletColumns);
    });

  for (const [verb, state] of [
    ['freeze', 'frozen'],
    ['unfreeze', 'active'],
  ] as const) {
    withCurrency(dataCommand(wallets, `${verb} ${PHONE}`, `${verb} a wallet`, `wallets ${verb} +989121234567`)).action(
      async (wallet: string, options: CurrencyOption) => {
        const answer = await cli.client().request<Wallet>('PATCH', path`/v1/wallets/${wallet}`, {
          query: walletQuery(wallet, options.currency),
          body: { state },
          repeatable: true,
        });
        cli.print(options, answer, showWallet);
      },
    );
  }

  withCurrency(dataCommand(wallets, `show ${PHONE}`, 'show a wallet', 'wallets show +989121234567')).action(
    async (wallet: string, options: CurrencyOption) => {
      const query = walletQuery(wallet, options.currency);
      const answer = await cli.client().request<Wallet>('GET', path`/v1/wallets/${wallet}`, { query });
      cli.print(options, answer, showWallet);
    },
  );

  addMovement(wallets, cli, 'credit', 'put money into a wallet');
  addMovement(wallets, cli, 'debit', 'take money out of a wallet');

  withCurrency(
    listCommand(wallets, `transactions ${PHONE}`, "list a wallet's transactions", 'wallets transactions +989121234567'),
  ).action(async (wallet: string, options: ListOptions & CurrencyOption) => {
    const query = { ...walletQuery(wallet, options.currency), ...createdBetween(options) };
    const limit = listLimit(options);
    await printList(cli, options, path`/v1/wallets/${wallet}/transactions`, query, limit, transactionColumns);
  });
}

function addMovement(wallets: Command, cli: Cli, kind: 'credit' | 'debit', description: string): void {
  const example = `wallets ${kind} +989121234567 10.00`;
  withCurrency(dataCommand(wallets, `${kind} ${PHONE} <amount>`, description, example))
    .option('--reference <text>', 'your own name for it; a second one under this name is refused')
    .option('--note <text>')
    .addOption(idempotencyOption())
    .action(async (wallet: string, amount: string, options: MovementOptions) => {
      const { reference, note } = options;
      const currency = options.currency ?? cli.settings().currency;
      const transaction = await cli.client().request<Transaction>('POST', path`/v1/wallets/${wallet}/${`${kind}s`}`, {
        query: walletQuery(wallet, currency),
        body: { amount: amountOf(amount, currency), ...(reference && { reference }), ...(note && { note }) },
        idempotencyKey: idempotencyKey(options),
      });
      cli.print(options, transaction, showTransaction);
    });
}

function withCurrency(command: Command): Command {
  return command.option('--currency <code>', 'ISO 4217 code; a phone has a wallet for each');
}

/** A phone has a wallet per currency; an id names one wallet. */
function walletQuery(wallet: string, currency: string | undefined): Query {
  return isId(wallet) ? {} : { currency };
}

const walletColumns: Columns<Wallet> = {
  ID: (wallet) => wallet.id,
  PHONE: (wallet) => wallet.phone,
  BALANCE: (wallet) => moneyText(wallet.balance),
  STATE: (wallet) => wallet.state,
  CREATED: (wallet) => wallet.created_at,
};

export const transactionColumns: Columns<Transaction> = {
  ID: (transaction) => transaction.id,
  KIND: (transaction) => transaction.kind,
  AMOUNT: signedAmount,
  BALANCE: (transaction) => moneyText(transaction.balance_after),
  REFERENCE: (transaction) => transaction.reference,
  CREATED: (transaction) => transaction.created_at,
};

export function showWallet(out: Output, wallet: Wallet): void {
  out.details({
    wallet: wallet.id,
    phone: wallet.phone,
    balance: moneyText(wallet.balance),
    state: wallet.state,
    created: wallet.created_at,
  });
}

function showTransaction(out: Output, transaction: Transaction): void {
  out.details({
    transaction: transaction.id,
    kind: transaction.kind,
    amount: signedAmount(transaction),
    balance: moneyText(transaction.balance_after),
    reference: transaction.reference ?? undefined,
    note: transaction.note ?? undefined,
    created: transaction.created_at,
  });
}

function signedAmount({ direction, amount }: Transaction): string {
  return `${direction === 'debit' ? '-' : '+'}${moneyText(amount)}`;
}

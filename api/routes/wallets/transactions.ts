import { answers, pageOf } from '../../answers.ts';
import { byNumber, page, readCursor } from '../../cursor.ts';
import { listQuery } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { findWallet, walletParams, walletQuery } from './find-wallet.ts';
import { transactionJson } from './json.ts';

export const listTransactions = operation({
  method: 'GET',
  path: '/v1/wallets/{wallet}/transactions',
  summary: 'List the movements of a wallet, newest first',
  scope: 'wallets:read',
  params: walletParams,
  query: listQuery.safeExtend(walletQuery),
  answers: { 200: pageOf(answers.transaction) },
  problems: ['wallet-not-found', 'unavailable'],
  async handle({ params, query, services }) {
    const { limit, cursor, currency, ...range } = query;
    const wallet = await findWallet(services, params.wallet, currency);
    const filters = { wallet: wallet.id, ...range };
    const before = readCursor(cursor, filters, byNumber);
    const rows = await services.wallet.listTransfers(
      {
        walletId: wallet.id,
        createdFrom: range.created_from,
        createdTo: range.created_to,
        beforeVersion: before === undefined ? undefined : BigInt(before),
      },
      limit + 1,
    );
    return { status: 200, body: page(rows, limit, filters, (row) => [Number(row.walletVersion)], transactionJson) };
  },
});

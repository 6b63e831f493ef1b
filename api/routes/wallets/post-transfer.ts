import { z } from 'zod';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { label, money } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { findWallet, walletParams, walletQuery } from './find-wallet.ts';
import { transactionJson } from './json.ts';

const TIMEOUT_MS = 10_000;

export const creditWallet = postTransferOperation('credit', 'Credit a wallet');
export const debitWallet = postTransferOperation('debit', 'Debit a wallet');

function postTransferOperation(kind: 'credit' | 'debit', summary: string) {
  return operation({
    method: 'POST',
    path: `/v1/wallets/{wallet}/${kind}s`,
    summary,
    scope: 'wallets:write',
    action: `wallet.${kind}`,
    params: walletParams,
    query: z.strictObject(walletQuery),
    body: z.strictObject({ amount: money, reference: label(255).optional(), note: label(500).optional() }),
    idempotent: true,
    answers: { 201: answers.transaction },
    problems: [
      'wallet-not-found',
      'wallet-frozen',
      'currency-mismatch',
      'balance-limit',
      ...(kind === 'debit' ? (['insufficient-funds'] as const) : []),
      'reference-reused',
      'idempotency-key-reused',
      'unavailable',
    ],
    async handle({ params, query, body, caller, idempotencyKey, services }, change) {
      // A phone means its wallet in the currency of the amount.
      const wallet = await findWallet(services, params.wallet, query.currency ?? body.amount.currency).catch(
        (error) => {
          if (query.currency !== undefined) throw error;
          return findWallet(services, params.wallet, undefined);
        },
      );
      const order = {
        id: idFor(caller.clientId, `wallets/${kind}s`, idempotencyKey),
        kind,
        walletId: wallet.id,
        clientId: caller.clientId,
        amount: body.amount.value,
        currency: body.amount.currency,
        reference: body.reference ?? null,
        note: body.note ?? null,
      };
      const { refusal, replayed } = await change(services.wallet.postTransfer(order, TIMEOUT_MS));
      if (refusal) throw new Problem(refusal);
      const transfer = await services.wallet.readTransfer(order.id);
      if (!transfer) throw new Error('a transfer vanished');
      const isSame =
        transfer.kind === kind &&
        transfer.walletId === order.walletId &&
        transfer.amount === order.amount &&
        transfer.currency === order.currency &&
        transfer.reference === order.reference &&
        transfer.note === order.note;
      if (!isSame) throw new Problem('idempotency-key-reused');
      services.wrote('wallet');
      const transaction = transactionJson(transfer);
      const { id: transaction_id, amount, balance_after: balance, reference, note } = transaction;
      const moved = kind === 'credit' ? amount.value : -amount.value;
      return {
        status: 201,
        body: transaction,
        audit: replayed
          ? undefined
          : {
              action: `wallet.${kind}`,
              resource: { type: 'wallet', id: wallet.id },
              before: { balance: { ...balance, value: balance.value - moved } },
              after: { balance, transaction_id, amount, reference, note },
            },
        replayed,
      };
    },
  });
}

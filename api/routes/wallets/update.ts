import { z } from 'zod';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { operation } from '../../operation.ts';
import { findWallet, walletParams, walletQuery } from './find-wallet.ts';
import { walletJson } from './json.ts';

export const updateWalletOperation = operation({
  method: 'PATCH',
  path: '/v1/wallets/{wallet}',
  summary: 'Freeze or unfreeze a wallet',
  scope: 'wallets:write',
  action: 'wallet.update',
  params: walletParams,
  query: z.strictObject(walletQuery),
  body: z.strictObject({ state: z.enum(['active', 'frozen']) }),
  answers: { 200: answers.wallet },
  problems: ['wallet-not-found', 'unavailable'],
  async handle({ params, query, body, services }, change) {
    const { id } = await findWallet(services, params.wallet, query.currency);
    const updated = await change(services.wallet.updateWallet(id, body));
    if (!updated) throw new Problem('wallet-not-found');
    services.wrote('wallet');
    return {
      status: 200,
      body: walletJson(updated.wallet),
      audit:
        updated.before === updated.wallet
          ? undefined
          : {
              action: 'wallet.update',
              resource: { type: 'wallet', id },
              before: { state: updated.before.state },
              after: { state: updated.wallet.state },
            },
    };
  },
});

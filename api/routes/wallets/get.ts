import { z } from 'zod';
import { answers } from '../../answers.ts';
import { operation } from '../../operation.ts';
import { findWallet, walletParams, walletQuery } from './find-wallet.ts';
import { walletJson } from './json.ts';

export const getWallet = operation({
  method: 'GET',
  path: '/v1/wallets/{wallet}',
  summary: 'Read a wallet by its id or its phone',
  scope: 'wallets:read',
  params: walletParams,
  query: z.strictObject(walletQuery),
  answers: { 200: answers.wallet },
  problems: ['wallet-not-found', 'unavailable'],
  async handle({ params, query, services }) {
    return { status: 200, body: walletJson(await findWallet(services, params.wallet, query.currency)) };
  },
});

import { z } from 'zod';
import { answers, pageOf } from '../../answers.ts';
import { byTime, page, readCursor, timePosition } from '../../cursor.ts';
import { currency, listQuery, phone } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { walletJson } from './json.ts';

export const listWalletsOperation = (region: string | undefined) =>
  operation({
    method: 'GET',
    path: '/v1/wallets',
    summary: 'List wallets, newest first',
    scope: 'wallets:read',
    query: listQuery.safeExtend({
      phone: phone(region).optional(),
      currency: currency.optional(),
      state: z.enum(['active', 'frozen']).optional(),
    }),
    answers: { 200: pageOf(answers.wallet) },
    problems: ['unavailable'],
    async handle({ query, services }) {
      const { limit, cursor, ...narrowed } = query;
      const filters = { list: 'wallets', ...narrowed };
      const after = readCursor(cursor, filters, byTime);
      const { created_from: createdFrom, created_to: createdTo, ...rest } = narrowed;
      const rows = await services.wallet.listWallets({ ...rest, createdFrom, createdTo, after }, limit + 1);
      return { status: 200, body: page(rows, limit, filters, timePosition, walletJson) };
    },
  });

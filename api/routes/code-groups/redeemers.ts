import { z } from 'zod';
import { Problem } from '../../../platform/problems.ts';
import { answers, pageOf } from '../../answers.ts';
import { byTime, page, readCursor } from '../../cursor.ts';
import { id, listQuery } from '../../fields.ts';
import { operation } from '../../operation.ts';

export const listRedeemersOperation = operation({
  method: 'GET',
  path: '/v1/code-groups/{id}/redeemers',
  summary: 'List who redeemed codes of a group, the latest first: who redeems again moves to the front',
  scope: 'groups:read',
  params: z.object({ id }),
  query: listQuery,
  answers: { 200: pageOf(answers.redeemer) },
  problems: ['not-found', 'unavailable'],
  async handle({ params, query, services }) {
    const { limit, cursor, created_from: createdFrom, created_to: createdTo } = query;
    const filters = { redeemers: params.id, createdFrom, createdTo };
    const after = readCursor(cursor, filters, byTime);
    const group = await services.giftCode.readCodeGroup(params.id);
    if (!group) throw new Problem('not-found');
    const redeemers = await services.giftCode.listRedeemers(group.id, { createdFrom, createdTo, after }, limit + 1);
    const wallets = await services.wallet.readWallets(redeemers.map((redeemer) => redeemer.wallet_id));
    const phones = new Map(wallets.map((wallet) => [wallet.id, wallet.phone]));
    const body = page(
      redeemers,
      limit,
      filters,
      (redeemer) => [redeemer.last_redeemed_at.getTime(), redeemer.wallet_id],
      (redeemer) => ({
        phone: phones.get(redeemer.wallet_id) ?? null,
        wallet_id: redeemer.wallet_id,
        redemptions: Number(redeemer.redemptions),
        credited: { value: Number(redeemer.credited), currency: group.currency },
        last_redeemed_at: redeemer.last_redeemed_at.toISOString(),
      }),
    );
    return { status: 200, body };
  },
});

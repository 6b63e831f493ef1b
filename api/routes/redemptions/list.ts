import { z } from 'zod';
import { answers, pageOf } from '../../answers.ts';
import { byTime, page, readCursor } from '../../cursor.ts';
import { id, label, listQuery, phone } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { stuckAsTold } from '../../redemptions/own-workflow.ts';
import { redemptionJson } from '../../redemptions/redemption-json.ts';

/** What is reserved, or being reversed, for longer than this is listed as stuck. Milliseconds. */
const STUCK_AFTER_MS = 5_000;
const TIMEOUT_MS = 10_000;

export const listRedemptionsOperation = (region: string | undefined) =>
  operation({
    method: 'GET',
    path: '/v1/redemptions',
    summary: 'List redemptions, newest first',
    scope: 'redemptions:read',
    ownScope: 'redemptions:write',
    query: listQuery.safeExtend({
      phone: phone(region).optional(),
      group_id: id.optional(),
      code_id: id.optional(),
      state: z.enum(['reserved', 'completed', 'released', 'refused', 'reversed']).optional(),
      reference: label(255).optional(),
      stuck: z
        .enum(['true', 'false'])
        .optional()
        .meta({ description: 'Those reserved, or being reversed, for more than 5 s' }),
    }),
    answers: { 200: pageOf(answers.redemption) },
    problems: ['unavailable'],
    async handle({ query, caller, services }) {
      const { limit, cursor, ...rest } = query;
      const filters = { list: 'redemptions', ...rest };
      const after = readCursor(cursor, filters, byTime);
      const wallets = filters.phone === undefined ? undefined : await services.wallet.readWalletsOfPhone(filters.phone);
      const isStuck = filters.stuck === undefined ? undefined : filters.stuck === 'true';
      const stuckBefore = new Date((await services.giftCode.nowMs()) - STUCK_AFTER_MS);
      const rows = await services.giftCode.listRedemptions(
        {
          clientId: caller.may('redemptions:read') ? undefined : caller.clientId,
          walletIds: wallets?.map((wallet) => wallet.id),
          groupId: filters.group_id,
          codeId: filters.code_id,
          state: filters.state,
          reference: filters.reference,
          stuck: isStuck === undefined ? undefined : { is: isStuck, before: stuckBefore },
          createdFrom: filters.created_from,
          createdTo: filters.created_to,
          after,
        },
        limit + 1,
      );
      const sides = await services.wallet.readWalletSides(rows, TIMEOUT_MS);
      const views = rows.flatMap((row, index) => {
        const side = sides[index];
        return side ? [{ row, side }] : [];
      });
      const traceUrl = caller.may('ops:read') ? services.traceUrl : undefined;
      const tellStuck = async (view: (typeof views)[number]) => ({
        ...view,
        stuck: isStuck ? await stuckAsTold(services.temporal, view.row) : {},
      });
      const body = page(
        await Promise.all(views.map(tellStuck)),
        limit,
        filters,
        ({ row }) => [row.created_at.getTime(), row.id],
        ({ row, side, stuck }) => ({ ...redemptionJson(row, side, traceUrl), ...stuck }),
      );
      return { status: 200, body };
    },
  });

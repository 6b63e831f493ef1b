import { z } from 'zod';
import { reversalOrder, startReversal } from '../../../activities/start-reversal.ts';
import { Problem } from '../../../platform/problems.ts';
import { within } from '../../../platform/within.ts';
import { reversalWorkflowId } from '../../../workflows/contracts.ts';
import type { reverse } from '../../../workflows/reverse.ts';
import { answers } from '../../answers.ts';
import { id, label } from '../../fields.ts';
import { DEFAULT_WAIT_SECONDS } from '../../http/headers.ts';
import { operation } from '../../operation.ts';
import { redemptionJson } from '../../redemptions/redemption-json.ts';
import type { Services } from '../../services.ts';

export const reverseRedemptionOperation = operation({
  method: 'POST',
  path: '/v1/redemptions/{id}/reverse',
  summary: 'Take a completed redemption back: debit the wallet, then free the use of the code or leave it spent',
  scope: 'ops:write',
  action: 'redemption.reverse',
  params: z.object({ id }),
  body: z.strictObject({ reason: label(200), code: z.enum(['free', 'void']) }),
  waits: true,
  // Whoever asks, a redemption is reversed once: who asks again is told so, with or without a key.
  idempotent: true,
  answers: { 200: answers.redemption, 202: answers.redemption },
  problems: ['not-found', 'insufficient-funds', 'conflict', 'unavailable'],
  async handle({ params, body, waitSeconds, services }, change) {
    const { redemptions, temporal, config, redeemOptions, traceUrl } = services;
    const before = await redemptions.read(params.id, 0);
    if (!before) throw new Problem('not-found');
    const { state } = before.row;
    const keepPlace = body.code === 'void';
    if (state === 'reversed') {
      await assertReversedSo(services, params.id, keepPlace);
      return { status: 200, body: redemptionJson(before.row, before.side, traceUrl), replayed: true };
    }
    if (state !== 'completed') {
      throw new Problem('conflict', {
        detail: `The redemption is ${state}.`,
        members: { redemption_id: params.id, state },
      });
    }

    const order = reversalOrder({ redemptionId: params.id, keepPlace, reason: `reversed: ${body.reason}` });
    // Where one of this redemption is under way, its end is this one's as well.
    const isOwn = await change(startReversal(temporal, config.temporal.taskQueue, order, redeemOptions));
    const waitMs = (waitSeconds ?? DEFAULT_WAIT_SECONDS) * 1000;
    const refusal = await within(
      waitMs,
      temporal.workflow.getHandle<typeof reverse>(reversalWorkflowId(params.id)).result(),
    );
    if (refusal === 'insufficient-funds')
      throw new Problem('insufficient-funds', { members: { redemption_id: params.id } });
    if (refusal) throw new Problem('conflict', { detail: `The redemption cannot be reversed (${refusal}).` });
    const after = (await redemptions.read(params.id, 0)) ?? before;
    const isOver = refusal === null;
    // Also after a run of its own: another one may have been over just before it began.
    if (isOver) await assertReversedSo(services, params.id, keepPlace);
    return {
      status: isOver ? 200 : 202,
      body: redemptionJson(after.row, after.side, traceUrl),
      audit: isOwn
        ? {
            action: 'redemption.reverse',
            resource: { type: 'redemption', id: params.id },
            before: { state },
            after: { state: after.row.state, code: body.code, reason: body.reason },
          }
        : undefined,
      ...(!isOver && { headers: { Location: `/v1/redemptions/${params.id}` } }),
      replayed: !isOwn,
    };
  },
});

/** @throws Problem `conflict` where somebody else reversed it, and did with its code what was not asked for */
async function assertReversedSo({ giftCode }: Services, redemptionId: string, keepPlace: boolean): Promise<void> {
  const isKept = await giftCode.isPlaceKept(redemptionId);
  if (isKept === keepPlace) return;
  throw new Problem('conflict', {
    detail: `The redemption has been reversed already, and its code ${isKept ? 'left spent' : 'freed'}.`,
    members: { redemption_id: redemptionId, state: 'reversed' },
  });
}

import { z } from 'zod';
import { reversalOrder, startReversal } from '../../../activities/start-reversal.ts';
import type { ReversalRequest } from '../../../domains/gift-code/reverse-redemption.ts';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { within } from '../../../platform/within.ts';
import { GIVEN_UP, reversalWorkflowId } from '../../../workflows/contracts.ts';
import { answers } from '../../answers.ts';
import { id, label } from '../../fields.ts';
import { DEFAULT_WAIT_SECONDS } from '../../http/headers.ts';
import { operation } from '../../operation.ts';
import type { RedemptionView } from '../../redemptions/lookups.ts';
import { refusalOfReversal } from '../../redemptions/own-workflow.ts';
import { type AtRest, readAtRest } from '../../redemptions/read-at-rest.ts';
import { redemptionJson } from '../../redemptions/redemption-json.ts';
import type { Services } from '../../services.ts';

const TIMEOUT_MS = 10_000;
const START_AGAIN_MS = 500;
const RESULT_MS = 1_000;

export const reverseRedemptionOperation = operation({
  method: 'POST',
  path: '/v1/redemptions/{id}/reverse',
  summary: 'Take a completed redemption back: debit the wallet, then free the use of the code or leave it spent',
  scope: 'ops:write',
  action: 'redemption.reverse',
  params: z.object({ id }),
  body: z.strictObject({ reason: label(200), code: z.enum(['free', 'void']) }),
  waits: true,
  // Whoever asks, a redemption is reversed once: who asks again is told so, also under another key, or without one.
  idempotent: true,
  answers: { 200: answers.redemption, 202: answers.redemption },
  problems: ['not-found', 'insufficient-funds', 'conflict', 'idempotency-key-reused', 'unavailable'],
  async handle({ params, body, caller, idempotencyKey, waitSeconds, services }, change) {
    const { redemptions, giftCode, traceUrl } = services;
    const before = await redemptions.read(params.id, 0);
    if (!before) throw new Problem('not-found');
    const { state } = before.row;
    const keepPlace = body.code === 'void';
    const order: ReversalRequest = {
      requestId: idFor(caller.clientId, 'redemptions/reverse', idempotencyKey),
      redemptionId: params.id,
      keepPlace,
      reason: `reversed: ${body.reason}`,
    };
    if (idempotencyKey !== undefined) assertSameRequest(order, await giftCode.reversalOfRequest(order.requestId));
    const over = async ({ row, side }: RedemptionView) => {
      await assertReversedSo(services, params.id, keepPlace);
      return { status: 200, body: redemptionJson(row, side, traceUrl) };
    };
    if (state === 'reversed') return { ...(await over(before)), replayed: true };
    if (state !== 'completed') {
      throw new Problem('conflict', {
        detail: `The redemption is ${state}.`,
        members: { redemption_id: params.id, state },
      });
    }

    const noted = await change(giftCode.beginReversal(order, TIMEOUT_MS));
    assertSameRequest(order, noted);
    const waitMs = (waitSeconds ?? DEFAULT_WAIT_SECONDS) * 1000;
    const { view, isReversing } = noted
      ? await workedOn(services, noted, waitMs)
      : await readAtRest(services, params.id, 0);
    const after = view ?? before;
    const isReversed = after.row.state === 'reversed';
    if (noted && !isReversing && !isReversed) throw await refusalOf(services, params.id);
    const answer = isReversed
      ? await over(after)
      : {
          status: 202,
          body: redemptionJson(after.row, after.side, traceUrl),
          headers: { Location: `/v1/redemptions/${params.id}` },
        };
    // One that was refused meanwhile is no longer noted: then it was another one's that ended here.
    const isOwn = noted?.begun && (await giftCode.reversalOfRequest(order.requestId)) !== undefined;
    if (!isOwn) return { ...answer, replayed: true };
    return {
      ...answer,
      audit: {
        action: 'redemption.reverse',
        resource: { type: 'redemption', id: params.id },
        before: { state },
        after: { state: after.row.state, code: body.code, reason: body.reason },
      },
    };
  },
});

/**
 * Has a reversal worked on, and waits for its end as long as is asked. It is noted: where its workflow cannot be started, or is
 * terminated, the sweeper starts it.
 */
async function workedOn(services: Services, reversal: ReversalRequest, waitMs: number): Promise<AtRest> {
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    const isOwn = await within(giveUpAt - performance.now(), startOrLeave(services, reversal));
    const leftMs = isOwn === undefined ? 0 : Math.max(giveUpAt - performance.now(), 0);
    // The workflow that is there may be of an order from before this one was noted, and end without it.
    const waitsMs = isOwn === false ? Math.min(leftMs, START_AGAIN_MS) : leftMs;
    const atRest = await readAtRest(services, reversal.redemptionId, waitsMs);
    if (!atRest.isReversing || waitsMs === leftMs) return atRest;
  }
}

/** @returns whether its workflow was started now, by none before; nothing where it could not be started */
async function startOrLeave(services: Services, reversal: ReversalRequest): Promise<boolean | undefined> {
  const { temporal, config, redeemOptions, logger } = services;
  try {
    return await startReversal(temporal, config.temporal.taskQueue, reversalOrder(reversal), redeemOptions);
  } catch (error) {
    logger.warn({ err: error, redemption: reversal.redemptionId }, 'a reversal waits for the sweeper');
    return undefined;
  }
}

/** Why a reversal was refused that is noted no longer; its workflow ends just now. */
async function refusalOf({ temporal }: Services, redemptionId: string): Promise<Problem> {
  const told = within(RESULT_MS, refusalOfReversal(temporal, reversalWorkflowId(redemptionId)));
  const refusal = (await told.catch(() => undefined)) ?? GIVEN_UP;
  if (refusal === 'insufficient-funds' || refusal === GIVEN_UP)
    return new Problem('insufficient-funds', { members: { redemption_id: redemptionId } });
  return new Problem('conflict', { detail: `The redemption cannot be reversed (${refusal}).` });
}

/** @throws Problem `idempotency-key-reused` where what is noted was asked for by the same request, and is something else */
function assertSameRequest(order: ReversalRequest, noted: ReversalRequest | undefined): void {
  if (noted?.requestId !== order.requestId) return;
  const { redemptionId, keepPlace, reason } = order;
  const isSame = noted.redemptionId === redemptionId && noted.keepPlace === keepPlace && noted.reason === reason;
  if (!isSame) throw new Problem('idempotency-key-reused');
}

/** @throws Problem `conflict` where somebody else reversed it, and did with its code what was not asked for */
async function assertReversedSo({ giftCode }: Services, redemptionId: string, keepPlace: boolean): Promise<void> {
  const isKept = await giftCode.isPlaceKept(redemptionId);
  if (isKept === keepPlace) return;
  throw new Problem('conflict', {
    detail: `The redemption has been reversed already, and its code ${isKept ? 'left spent' : 'freed'}.`,
    members: { redemption_id: redemptionId, state: 'reversed' },
  });
}

import { z } from 'zod';
import { isOpen as isWorkflowOpen } from '../../../activities/is-open.ts';
import { itemOf } from '../../../activities/start-redemption.ts';
import type { AuditEntry } from '../../../domains/gateway/write-audit-log.ts';
import { reversalTransferId } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import {
  REVERSAL_STEPS,
  type ReversalStepName,
  redemptionWorkflowId,
  STEPS,
  type StepName,
} from '../../../workflows/contracts.ts';
import { answers } from '../../answers.ts';
import { id, label } from '../../fields.ts';
import { DEFAULT_WAIT_SECONDS } from '../../http/headers.ts';
import { operation } from '../../operation.ts';
import {
  resetActivities,
  retryNow,
  retryReversalNow,
  reversalsStuckAt,
  stuckAt,
} from '../../redemptions/own-workflow.ts';
import { readAtRest } from '../../redemptions/read-at-rest.ts';
import { pendingJson, redemptionJson } from '../../redemptions/redemption-json.ts';
import type { Services } from '../../services.ts';

export const retryRedemption = operation({
  method: 'POST',
  path: '/v1/redemptions/{id}/retry',
  summary: 'Try the step that a redemption, or its reversal, is stuck at again, now',
  scope: 'ops:write',
  action: 'redemption.retry',
  params: z.object({ id }),
  body: z.strictObject({ reason: label(200).optional() }),
  waits: true,
  answers: { 200: answers.redemption, 202: answers.anyRedemption },
  problems: ['not-found', 'conflict', 'unavailable'],
  async handle({ params, body, waitSeconds, services }, change) {
    const { redemptions, giftCode, temporal, config, redeemOptions, traceUrl } = services;
    const before = await redemptions.read(params.id, 0);
    const item = before ? itemOf(before.row) : await redemptions.pending(params.id);
    const own = redemptionWorkflowId(params.id);
    // Stuck before it had a row, and nobody knows any more of what it is but its workflow.
    if (!item && !(await isWorkflowOpen(temporal, own))) throw new Problem('not-found');
    if (before && (before.row.state === 'released' || before.row.state === 'refused')) {
      throw new Problem('conflict', {
        detail: `The redemption is ${before.row.state}.`,
        members: { state: before.row.state },
      });
    }
    const isOpen = !before || before.row.state === 'reserved';
    const reversal = isOpen ? undefined : await giftCode.readReversal(params.id);
    const { taskQueue } = config.temporal;
    if (isOpen) {
      await change(item ? retryNow(temporal, taskQueue, item, redeemOptions) : resetActivities(temporal, own));
    } else if (reversal) {
      await change(retryReversalNow(temporal, taskQueue, reversal, redeemOptions));
    }
    const waitMs = (waitSeconds ?? DEFAULT_WAIT_SECONDS) * 1000;
    const { view: after, isReversing } = await readAtRest(services, params.id, waitMs);
    if (!reversal && after?.row.state === 'completed' && (await isDebited(services, params.id))) {
      throw new Problem('conflict', {
        detail: 'Its credit was taken back, and nothing is noted of a reversal: reverse it once more.',
        members: { redemption_id: params.id, state: after.row.state },
      });
    }
    const audit: AuditEntry | undefined =
      isOpen || reversal
        ? {
            action: 'redemption.retry',
            resource: { type: 'redemption', id: params.id },
            before: { state: before?.row.state ?? 'pending' },
            after: { state: after?.row.state ?? 'pending', reason: body.reason ?? null },
          }
        : undefined;
    if (after && after.row.state !== 'reserved' && !isReversing)
      return { status: 200, body: redemptionJson(after.row, after.side, traceUrl), audit };
    return {
      status: 202,
      body: after ? redemptionJson(after.row, after.side, traceUrl) : pendingJson(params.id, item, own, traceUrl),
      headers: { Location: `/v1/redemptions/${params.id}` },
      audit,
    };
  },
});

/** Whether a redemption's credit was taken back. */
const isDebited = async ({ wallet }: Services, redemptionId: string): Promise<boolean> =>
  (await wallet.readTransfer(reversalTransferId(redemptionId))) !== undefined;

export const retryStuckRedemptions = operation({
  method: 'POST',
  path: '/v1/redemptions/retry',
  summary: 'Try all redemptions, or reversals, that are stuck at a step again, now',
  scope: 'ops:write',
  action: 'redemption.retry_stuck',
  body: z.strictObject({ step: z.enum([...STEPS, ...REVERSAL_STEPS]) }),
  answers: { 200: answers.retriedRedemptions },
  problems: ['unavailable'],
  async handle({ body, services }, change) {
    const { temporal, config, giftCode } = services;
    const stuck = isOfReversal(body.step)
      ? reversalsStuckAt(temporal, giftCode, body.step)
      : stuckAt(temporal, config.temporal.taskQueue, body.step);
    let retried = 0;
    for await (const workflowId of stuck) {
      await change(resetActivities(temporal, workflowId));
      retried++;
    }
    const after = { step: body.step, retried };
    const resource = { type: 'redemption', id: null } as const;
    return { status: 200, body: after, audit: { action: 'redemption.retry_stuck', resource, after } };
  },
});

const isOfReversal = (step: StepName | ReversalStepName): step is ReversalStepName =>
  REVERSAL_STEPS.some((other) => other === step);

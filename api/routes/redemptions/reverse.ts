import { z } from 'zod';
import { reversalTransferId } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { within } from '../../../platform/within.ts';
import { reversalWorkflowId } from '../../../workflows/contracts.ts';
import type { reverse } from '../../../workflows/reverse.ts';
import { answers } from '../../answers.ts';
import { id, label } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { redemptionJson } from '../../redemptions/redemption-json.ts';

const DEFAULT_WAIT_SECONDS = 5;

export const reverseRedemptionOperation = operation({
  method: 'POST',
  path: '/v1/redemptions/{id}/reverse',
  summary: 'Take a completed redemption back: debit the wallet, then free the use of the code or leave it spent',
  scope: 'ops:write',
  action: 'redemption.reverse',
  params: z.object({ id }),
  body: z.strictObject({ reason: label(200), code: z.enum(['free', 'void']) }),
  answers: { 200: answers.redemption, 202: answers.redemption },
  problems: ['not-found', 'insufficient-funds', 'conflict', 'unavailable'],
  async handle({ params, body, waitSeconds, services }, change) {
    const { redemptions, temporal, traceUrl } = services;
    const before = await redemptions.read(params.id, 0);
    if (!before) throw new Problem('not-found');
    const { state } = before.row;
    if (state === 'reversed') return { status: 200, body: redemptionJson(before.row, before.side, traceUrl) };
    if (state !== 'completed') {
      throw new Problem('conflict', {
        detail: `The redemption is ${state}.`,
        members: { redemption_id: params.id, state },
      });
    }

    const handle = await change(
      temporal.workflow.start<typeof reverse>('reverse', {
        workflowId: reversalWorkflowId(params.id),
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        taskQueue: services.config.temporal.taskQueue,
        args: [
          {
            redemptionId: params.id,
            reversalId: reversalTransferId(params.id),
            keepPlace: body.code === 'void',
            reason: `reversed: ${body.reason}`,
          },
          services.redeemOptions,
        ],
      }),
    );
    const waitMs = (waitSeconds ?? DEFAULT_WAIT_SECONDS) * 1000;
    const refusal = await within(waitMs, handle.result());
    if (refusal === 'insufficient-funds')
      throw new Problem('insufficient-funds', { members: { redemption_id: params.id } });
    if (refusal) throw new Problem('conflict', { detail: `The redemption cannot be reversed (${refusal}).` });
    const after = (await redemptions.read(params.id, 0)) ?? before;
    const isOver = refusal === null;
    return {
      status: isOver ? 200 : 202,
      body: redemptionJson(after.row, after.side, traceUrl),
      audit: {
        action: 'redemption.reverse',
        resource: { type: 'redemption', id: params.id },
        before: { state },
        after: { state: after.row.state, code: body.code, reason: body.reason },
      },
      ...(!isOver && { headers: { Location: `/v1/redemptions/${params.id}`, 'Retry-After': '1' } }),
    };
  },
});

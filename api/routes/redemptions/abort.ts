import { WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { isOpen } from '../../../activities/is-open.ts';
import { itemOf } from '../../../activities/start-redemption.ts';
import type { AuditEntry } from '../../../domains/gateway/write-audit-log.ts';
import { Problem } from '../../../platform/problems.ts';
import { ABORT_SIGNAL, redemptionWorkflowId } from '../../../workflows/contracts.ts';
import type { redeem } from '../../../workflows/redeem.ts';
import { answers } from '../../answers.ts';
import { id, label } from '../../fields.ts';
import { DEFAULT_WAIT_SECONDS } from '../../http/headers.ts';
import { operation } from '../../operation.ts';
import type { RedemptionView } from '../../redemptions/lookups.ts';
import { pendingJson, redemptionJson } from '../../redemptions/redemption-json.ts';

export const abortRedemption = operation({
  method: 'POST',
  path: '/v1/redemptions/{id}/abort',
  summary: 'Undo a redemption that is not over: void the credit, then release the code',
  scope: 'ops:write',
  action: 'redemption.abort',
  params: z.object({ id }),
  body: z.strictObject({ reason: label(200) }),
  waits: true,
  answers: { 200: answers.redemption, 202: answers.anyRedemption },
  problems: ['not-found', 'conflict', 'unavailable'],
  async handle({ params, body, waitSeconds, services }, change) {
    const { temporal, redemptions, traceUrl } = services;
    const before = await redemptions.read(params.id, 0);
    if (before && before.row.state !== 'reserved') return over(before, services.traceUrl);

    const item = before ? itemOf(before.row) : await redemptions.pending(params.id);
    const workflowId = redemptionWorkflowId(params.id);
    const reason = `aborted: ${body.reason}`;
    if (item) {
      // Whoever works on it meets this workflow at the wallet, which decides once.
      await change(
        temporal.workflow.signalWithStart<typeof redeem, [string]>('redeem', {
          workflowId,
          taskQueue: services.config.temporal.taskQueue,
          args: [[item], services.redeemOptions],
          signal: ABORT_SIGNAL,
          signalArgs: [reason],
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        }),
      );
    } else {
      if (!(await isOpen(temporal, workflowId))) throw new Problem('not-found');
      const signalled = temporal.workflow.getHandle(workflowId).signal(ABORT_SIGNAL, reason);
      // It may have ended since: what came of it is read below.
      await change(signalled.catch(unlessGone));
    }

    const audit = (state: string): AuditEntry => ({
      action: 'redemption.abort',
      resource: { type: 'redemption', id: params.id },
      before: { state: before?.row.state ?? 'pending' },
      after: { state, reason: body.reason },
    });
    const after = await redemptions.read(params.id, (waitSeconds ?? DEFAULT_WAIT_SECONDS) * 1000);
    if (after && after.row.state !== 'reserved') {
      return { ...over(after, services.traceUrl), audit: audit(after.row.state) };
    }
    return {
      status: 202,
      body: after
        ? redemptionJson(after.row, after.side, traceUrl)
        : pendingJson(params.id, item, redemptionWorkflowId(params.id), traceUrl),
      headers: { Location: `/v1/redemptions/${params.id}` },
      audit: audit(after?.row.state ?? 'pending'),
    };
  },
});

function unlessGone(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

/** Released is what was asked for, also when it was so before; anything else can no longer be aborted. */
function over(view: RedemptionView, traceUrl: (workflowId: string) => string | null) {
  if (view.row.state !== 'released') {
    throw new Problem('conflict', {
      detail: `The redemption is ${view.row.state}.`,
      members: { redemption_id: view.row.id, state: view.row.state },
    });
  }
  return { status: 200, body: redemptionJson(view.row, view.side, traceUrl) };
}

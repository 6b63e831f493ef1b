import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { Problem } from '../../../platform/problems.ts';
import { within } from '../../../platform/within.ts';
import { redemptionWorkflowId, reversalWorkflowId } from '../../../workflows/contracts.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { ownWorkflow, type Stuck } from '../../redemptions/own-workflow.ts';
import { pendingJson, redemptionJson } from '../../redemptions/redemption-json.ts';

/** A redemption reserved for longer than this may be stuck; before, nobody asks Temporal. Milliseconds. */
const SETTLES_WITHIN_MS = 500;
/** What Temporal has not told of a reversal by then is left out. */
const REVERSAL_TIMEOUT_MS = 1_000;

export const getRedemption = operation({
  method: 'GET',
  path: '/v1/redemptions/{id}',
  summary: 'Read a redemption, waiting for its end with Prefer: wait=N',
  scope: 'redemptions:read',
  ownScope: 'redemptions:write',
  params: z.object({ id }),
  waits: true,
  answers: { 200: answers.anyRedemption },
  problems: ['not-found', 'unavailable'],
  async handle({ params, waitSeconds, caller, services }) {
    const traceUrl = caller.may('ops:read') ? services.traceUrl : undefined;
    const isFor = (clientId: string) => clientId === caller.clientId || caller.may('redemptions:read');
    const view = await services.redemptions.read(params.id, (waitSeconds ?? 0) * 1000);
    if (view && !isFor(view.row.client_id)) throw new Problem('not-found');
    if (view && view.row.state !== 'reserved') {
      // Temporal is asked for those alone who run the service: they are few, beside those who wait for a redemption's end.
      const mayBeReversing = view.row.state === 'completed' && caller.may('ops:read');
      const stuck = mayBeReversing ? await reversalStuck(services.temporal, params.id) : {};
      return { status: 200, body: { ...redemptionJson(view.row, view.side, traceUrl), ...stuck } };
    }

    if (view && services.giftCode.nowMs() - view.row.created_at.getTime() < SETTLES_WITHIN_MS) {
      return { status: 200, body: redemptionJson(view.row, view.side, traceUrl) };
    }
    const own = await ownWorkflow(services.temporal, redemptionWorkflowId(params.id)).catch(() => undefined);
    const stuck = stuckMember(own);
    if (view) return { status: 200, body: { ...redemptionJson(view.row, view.side, traceUrl), ...stuck } };

    const item = await services.redemptions.pending(params.id);
    // Where another gateway accepted it and Redis is away, its client is not known here: what is said of it names nobody.
    if (item ? !isFor(item.clientId) : !own?.isOpen) throw new Problem('not-found');
    const workflowId = own ? redemptionWorkflowId(params.id) : services.redemptions.workflowOf(params.id);
    return { status: 200, body: { ...pendingJson(params.id, item, workflowId, traceUrl), ...stuck } };
  },
});

/** What the reversal of a completed redemption waits for, if one is under way. */
async function reversalStuck(temporal: Client, redemptionId: string): Promise<{ stuck?: Stuck }> {
  const reversal = ownWorkflow(temporal, reversalWorkflowId(redemptionId)).catch(() => undefined);
  return stuckMember(await within(REVERSAL_TIMEOUT_MS, reversal));
}

const stuckMember = (own: Awaited<ReturnType<typeof ownWorkflow>>): { stuck?: Stuck } =>
  own?.isOpen && own.stuck ? { stuck: own.stuck } : {};

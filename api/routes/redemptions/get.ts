import { z } from 'zod';
import type { RedemptionRow } from '../../../domains/gift-code/redemption.ts';
import { Problem } from '../../../platform/problems.ts';
import { redemptionWorkflowId } from '../../../workflows/contracts.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { ownWorkflow, ownWorkflowAsTold, stuckAsTold, stuckMember } from '../../redemptions/own-workflow.ts';
import { readAtRest } from '../../redemptions/read-at-rest.ts';
import { pendingJson, redemptionJson } from '../../redemptions/redemption-json.ts';
import type { Services } from '../../services.ts';

/** A redemption reserved for longer than this may be stuck; before, nobody asks Temporal. Milliseconds. */
const SETTLES_WITHIN_MS = 500;

export const getRedemption = operation({
  method: 'GET',
  path: '/v1/redemptions/{id}',
  summary: 'Read a redemption, waiting for its end, or for that of its reversal, with Prefer: wait=N',
  scope: 'redemptions:read',
  ownScope: 'redemptions:write',
  params: z.object({ id }),
  waits: true,
  answers: { 200: answers.anyRedemption },
  problems: ['not-found', 'unavailable'],
  async handle({ params, waitSeconds, caller, services }) {
    const traceUrl = caller.may('ops:read') ? services.traceUrl : undefined;
    const isFor = (clientId: string) => clientId === caller.clientId || caller.may('redemptions:read');
    const { view, isReversing } = await readAtRest(services, params.id, (waitSeconds ?? 0) * 1000);
    if (view) {
      if (!isFor(view.row.client_id)) throw new Problem('not-found');
      // Of a reversal, where it is stuck is told to those alone who run the service.
      const isAsked = isReversing ? caller.may('ops:read') : await mayBeStuck(view.row, services);
      const stuck = isAsked ? await stuckAsTold(services.temporal, view.row) : {};
      return { status: 200, body: { ...redemptionJson(view.row, view.side, traceUrl), ...stuck } };
    }

    const ownId = redemptionWorkflowId(params.id);
    const item = await services.redemptions.pending(params.id);
    // Where another gateway accepted it and Redis is away, its client is not known here: what is said of it names nobody.
    const own = item ? await ownWorkflowAsTold(services.temporal, ownId) : await ownWorkflow(services.temporal, ownId);
    if (item ? !isFor(item.clientId) : !own?.isOpen) throw new Problem('not-found');
    const workflowId = own ? ownId : services.redemptions.workflowOf(params.id);
    return { status: 200, body: { ...pendingJson(params.id, item, workflowId, traceUrl), ...stuckMember(own) } };
  },
});

/** Whether a redemption has been reserved for so long that Temporal is asked why. */
const mayBeStuck = async ({ state, created_at }: RedemptionRow, { giftCode }: Services): Promise<boolean> =>
  state === 'reserved' && (await giftCode.nowMs()) - created_at.getTime() >= SETTLES_WITHIN_MS;

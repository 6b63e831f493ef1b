import { z } from 'zod';
import { Problem } from '../../../platform/problems.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { ownWorkflow } from '../../redemptions/own-workflow.ts';
import { pendingJson, redemptionJson } from '../../redemptions/redemption-json.ts';

/** A redemption reserved for longer than this may be stuck; before, nobody asks Temporal. Milliseconds. */
const SETTLES_WITHIN_MS = 500;

export const getRedemption = operation({
  method: 'GET',
  path: '/v1/redemptions/{id}',
  summary: 'Read a redemption, waiting for its end with Prefer: wait=N',
  scope: 'redemptions:read',
  params: z.object({ id }),
  problems: ['not-found', 'unavailable'],
  async handle({ params, waitSeconds, services }) {
    const view = await services.redemptions.read(params.id, (waitSeconds ?? 0) * 1000);
    if (view && view.row.state !== 'reserved')
      return { status: 200, body: redemptionJson(view.row, view.side, services.traceUrl) };

    if (view && services.giftCode.nowMs() - view.row.created_at.getTime() < SETTLES_WITHIN_MS) {
      return { status: 200, body: redemptionJson(view.row, view.side, services.traceUrl) };
    }
    const own = await ownWorkflow(services.temporal, params.id).catch(() => undefined);
    const stuck = own?.isOpen && own.stuck ? { stuck: own.stuck } : {};
    if (view) return { status: 200, body: { ...redemptionJson(view.row, view.side, services.traceUrl), ...stuck } };

    const item = services.redemptions.pending(params.id);
    if (!item && !own?.isOpen) throw new Problem('not-found');
    return { status: 200, body: { ...pendingJson(params.id, item, services.traceUrl), ...stuck } };
  },
});

import { z } from 'zod';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { redemptionTimeline } from '../../redemptions/timeline/timeline.ts';

export const getRedemptionTimeline = operation({
  method: 'GET',
  path: '/v1/redemptions/{id}/timeline',
  summary: 'What happened to a redemption, oldest first: rows, events, workflows, webhooks and the audit log',
  scope: 'ops:read',
  params: z.object({ id }),
  answers: { 200: answers.timeline },
  problems: ['not-found', 'unavailable'],
  async handle({ params, services }) {
    const timeline = await redemptionTimeline(services, params.id);
    if (!timeline) throw new Problem('not-found');
    const items = timeline.items.map(({ at, ...item }) => ({ at: at.toISOString(), ...item }));
    return { status: 200, body: { items, unavailable: timeline.unavailable } };
  },
});

import { z } from 'zod';
import { answers } from '../../answers.ts';
import { time } from '../../fields.ts';
import { operation } from '../../operation.ts';

export const replayOutboxOperation = operation({
  method: 'POST',
  path: '/v1/outbox/replay',
  summary: 'Publish events of a part again, from a time on and before another: rebuilds a lost stream',
  scope: 'ops:write',
  action: 'outbox.replay',
  body: z
    .strictObject({ part: z.enum(['gift-code', 'wallet']), from: time, to: time })
    .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be after from' }),
  answers: { 200: answers.outboxReplay },
  problems: ['unavailable'],
  async handle({ body, services }, change) {
    const { part, from, to } = body;
    const replayed = await change((part === 'wallet' ? services.wallet : services.giftCode).replayOutbox(from, to));
    services.wrote(part);
    return {
      status: 200,
      body: { part, replayed },
      audit:
        replayed === 0
          ? undefined
          : {
              action: 'outbox.replay',
              resource: { type: 'outbox', id: null },
              after: { part, from: from.toISOString(), to: to.toISOString(), replayed },
            },
    };
  },
});

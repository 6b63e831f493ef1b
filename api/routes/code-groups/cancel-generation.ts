import { WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { Problem } from '../../../platform/problems.ts';
import { within } from '../../../platform/within.ts';
import { generationWorkflowId } from '../../../workflows/contracts.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { codeGroupJson } from './json.ts';

const TIMEOUT_MS = 10_000;
const CANCEL_MS = 1_000;

export const cancelGenerationOperation = operation({
  method: 'POST',
  path: '/v1/code-groups/{id}/cancel-generation',
  summary: 'Make no more codes; those made so far stay',
  scope: 'groups:write',
  action: 'code_group.cancel_generation',
  params: z.object({ id }),
  answers: { 200: answers.codeGroup },
  problems: ['not-found', 'conflict', 'unavailable'],
  async handle({ params, services }, change) {
    const { giftCode, temporal } = services;
    const before = (await giftCode.readCodeGroup(params.id))?.generation;
    const after = before && (await change(giftCode.endGeneration(before.id, 'cancelled', TIMEOUT_MS)));
    const group = await giftCode.readCodeGroup(params.id);
    if (!group) throw new Problem('not-found');
    if (!before || !after)
      throw new Problem('conflict', { detail: 'No codes of this group were ever generated in the background.' });
    if (after.state !== 'cancelled') throw new Problem('conflict', { detail: `The generation is ${after.state}.` });
    services.wrote('gift-code');
    // The row says it all; this only spares the workflow one more look at it.
    const cancelled = temporal.workflow
      .getHandle(generationWorkflowId(before.id))
      .cancel()
      .catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError))
          services.logger.warn({ err: error }, 'a workflow was not cancelled');
      });
    await within(CANCEL_MS, cancelled);
    return {
      status: 200,
      body: codeGroupJson(group),
      audit:
        before.state === 'running'
          ? {
              action: 'code_group.cancel_generation',
              resource: { type: 'code_group', id: params.id },
              after: { made: after.made, total: after.total },
            }
          : undefined,
    };
  },
});

import type { Client } from '@temporalio/client';
import { type GenerationOrder, generationWorkflowId, type RedeemOptions } from '../workflows/contracts.ts';
import type { generate } from '../workflows/generate.ts';

/** Starts the workflow that makes a generation's codes, unless it is open already. */
export async function startGeneration(
  client: Client,
  taskQueue: string,
  order: GenerationOrder,
  options: RedeemOptions,
): Promise<void> {
  await client.workflow.start<typeof generate>('generate', {
    workflowId: generationWorkflowId(order.generationId),
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    taskQueue,
    args: [order, options],
  });
}

import type { Client } from '@temporalio/client';
import { probeId, type RedeemOptions, type SagaPart } from '../workflows/contracts.ts';
import type { probe } from '../workflows/probe.ts';

/** Has a part that runs apart do its steps for nobody. @throws Error while it cannot */
export async function probeApart(
  client: Client,
  taskQueue: string,
  part: SagaPart,
  options: RedeemOptions,
): Promise<void> {
  await client.workflow.execute<typeof probe>('probe', {
    workflowId: probeId(taskQueue, part),
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowExecutionTimeout: 4 * options.timeoutMs,
    taskQueue,
    args: [part, options],
  });
}

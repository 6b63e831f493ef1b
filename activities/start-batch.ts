import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { RedeemOptions, RedemptionItem } from '../workflows/contracts.ts';
import type { redeem } from '../workflows/redeem.ts';

/**
 * Starts the workflow of a batch. Resolved when Temporal has it: whether this start is known to have made it, and no earlier
 * one of the same id. @throws Error: nobody knows whether Temporal has it
 */
export type StartBatch = (workflowId: string, items: RedemptionItem[]) => Promise<boolean>;

/** @param client shares its connection with a worker, so that the first task comes back with the start's answer */
export function batchStarter(client: Client, taskQueue: string, options: RedeemOptions): StartBatch {
  return async (workflowId, items) => {
    try {
      const { eagerlyStarted } = await client.workflow.start<typeof redeem>('redeem', {
        workflowId,
        taskQueue,
        args: [items, options],
        requestEagerStart: true,
        // The id of a longer batch is fresh: if it is taken, it is this very start that took it.
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: items.length === 1 ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
      });
      return eagerlyStarted;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      return false;
    }
  };
}

import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { ReversalRequest } from '../domains/gift-code/reverse-redemption.ts';
import { reversalTransferId } from '../platform/ids.ts';
import { type RedeemOptions, type ReversalOrder, reversalWorkflowId } from '../workflows/contracts.ts';
import type { reverse } from '../workflows/reverse.ts';

/** What a workflow needs to take a redemption back, from its row. */
export const reversalOrder = ({ requestId, redemptionId, keepPlace, reason }: ReversalRequest): ReversalOrder => ({
  requestId,
  redemptionId,
  reversalId: reversalTransferId(redemptionId),
  keepPlace,
  reason,
});

/** Starts the workflow that takes a redemption back, unless it is open already. @returns whether this start made it */
export async function startReversal(
  client: Client,
  taskQueue: string,
  order: ReversalOrder,
  options: RedeemOptions,
): Promise<boolean> {
  try {
    await client.workflow.start<typeof reverse>('reverse', {
      workflowId: reversalWorkflowId(order.redemptionId),
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      taskQueue,
      args: [order, options],
    });
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return false;
  }
}

import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { redemptionWorkflowId } from '../../workflows/contracts.ts';

/** Where and why a redemption waits, as Temporal tells it. */
export interface Stuck {
  step: string;
  since: string;
  attempts: number;
  last_error: string | null;
  next_attempt_at: string | null;
}

const STEP_OF_ACTIVITY: Record<string, string> = { voidCredit: 'void' };

/** A redemption's own workflow: whether it is open, and the step it is stuck at. Nothing where there is no workflow. */
export async function ownWorkflow(
  client: Client,
  redemptionId: string,
): Promise<{ isOpen: boolean; stuck: Stuck | null } | undefined> {
  try {
    const { raw, status } = await client.workflow.getHandle(redemptionWorkflowId(redemptionId)).describe();
    const activity = raw.pendingActivities?.[0];
    const name = activity?.activityType?.name ?? '';
    return {
      isOpen: status.name === 'RUNNING',
      stuck: activity
        ? {
            step: STEP_OF_ACTIVITY[name] ?? name,
            since: isoTime(raw.workflowExecutionInfo?.startTime) ?? new Date().toISOString(),
            attempts: activity.attempt ?? 1,
            last_error: activity.lastFailure?.message ?? null,
            next_attempt_at: isoTime(activity.nextAttemptScheduleTime),
          }
        : null,
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

function isoTime(time: { seconds?: unknown; nanos?: number | null } | null | undefined): string | null {
  if (!time?.seconds) return null;
  return new Date(Number(time.seconds) * 1000 + (time.nanos ?? 0) / 1e6).toISOString();
}

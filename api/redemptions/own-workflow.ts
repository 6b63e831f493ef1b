import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { startRedemption } from '../../activities/start-redemption.ts';
import { type RedeemOptions, type RedemptionItem, reversedBy, STAGE_ATTRIBUTE } from '../../workflows/contracts.ts';

/** Where and why a redemption waits, as Temporal tells it. */
export interface Stuck {
  step: string;
  since: string;
  attempts: number;
  last_error: string | null;
  next_attempt_at: string | null;
}

const STEP_OF_ACTIVITY: Record<string, string> = {
  voidCredit: 'void',
  reverseCredit: 'reverse-credit',
  reverseRedemption: 'reverse-redemption',
};

/** A workflow of a redemption's own: whether it is open, and the step it is stuck at. Nothing where there is no workflow. */
export async function ownWorkflow(
  client: Client,
  workflowId: string,
): Promise<{ isOpen: boolean; stuck: Stuck | null } | undefined> {
  try {
    const { raw, status } = await client.workflow.getHandle(workflowId).describe();
    return { isOpen: status.name === 'RUNNING', stuck: stuckOf(raw) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** What a workflow waits for: its pending activity, if it has one. */
export function stuckOf(raw: WorkflowExecutionDescription['raw']): Stuck | null {
  const activity = raw.pendingActivities?.[0];
  if (!activity) return null;
  const name = activity.activityType?.name ?? '';
  return {
    step: STEP_OF_ACTIVITY[name] ?? name,
    since: isoTime(raw.workflowExecutionInfo?.startTime) ?? new Date().toISOString(),
    attempts: activity.attempt ?? 1,
    last_error: activity.lastFailure?.message ?? null,
    next_attempt_at: isoTime(activity.nextAttemptScheduleTime),
  };
}

/** Has the step that a redemption is stuck at tried again now; starts the redemption's own workflow if there is none. */
export async function retryNow(
  client: Client,
  taskQueue: string,
  item: RedemptionItem,
  options: RedeemOptions,
): Promise<void> {
  const workflowId = await startRedemption(client, taskQueue, item, options);
  await resetActivities(client, workflowId);
}

/** The workflows of redemptions that are stuck at a step, as Temporal's visibility tells; a moment behind. */
export async function* stuckAt(client: Client, taskQueue: string, step: string): AsyncGenerator<string> {
  const query = `TaskQueue = '${taskQueue}' and ${STAGE_ATTRIBUTE} = '${step}' and ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) yield workflowId;
}

/**
 * Redemptions whose reversal began before a time and is not over, as Temporal's visibility tells; a moment behind.
 *
 * @param most that are told, the latest
 */
export async function unfinishedReversals(
  client: Client,
  taskQueue: string,
  startedBefore: Date,
  most: number,
): Promise<string[]> {
  const query = `TaskQueue = '${taskQueue}' and WorkflowType = 'reverse' and ExecutionStatus = 'Running'
    and StartTime < '${startedBefore.toISOString()}'`;
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query, pageSize: most })) {
    ids.push(reversedBy(workflowId));
    if (ids.length === most) break;
  }
  return ids;
}

const GRPC_NOT_FOUND = 5;

/** Ends the wait of a workflow's pending activities. One that is running at the moment, or is over by then, is left alone. */
export async function resetActivities(client: Client, workflowId: string): Promise<void> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  for (const { activityId } of raw.pendingActivities ?? []) {
    if (!activityId) continue;
    const reset = client.workflowService.resetActivity({
      namespace: client.options.namespace,
      execution: { workflowId },
      id: activityId,
      identity: client.options.identity ?? null,
      keepPaused: false,
    });
    await reset.catch((error: { code?: number }) => {
      if (error.code !== GRPC_NOT_FOUND) throw error;
    });
  }
}

function isoTime(time: { seconds?: unknown; nanos?: number | null } | null | undefined): string | null {
  if (!time?.seconds) return null;
  return new Date(Number(time.seconds) * 1000 + (time.nanos ?? 0) / 1e6).toISOString();
}

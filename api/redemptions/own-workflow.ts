import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { startRedemption } from '../../activities/start-redemption.ts';
import { reversalOrder, startReversal } from '../../activities/start-reversal.ts';
import type { GiftCodePart } from '../../domains/gift-code/operations.ts';
import type { RedemptionRow } from '../../domains/gift-code/redemption.ts';
import type { Reversal } from '../../domains/gift-code/reverse-redemption.ts';
import { within } from '../../platform/within.ts';
import {
  type RedeemOptions,
  type RedemptionItem,
  type ReversalStepName,
  redemptionWorkflowId,
  reversalWorkflowId,
  STAGE_ATTRIBUTE,
  type StepName,
} from '../../workflows/contracts.ts';
import type { reverse } from '../../workflows/reverse.ts';

/** Reversals read at once. */
const PAGE = 1_000;

/** Where and why a redemption waits, as Temporal tells it. */
export interface Stuck {
  step: string;
  since: string;
  attempts: number;
  last_error: string | null;
  next_attempt_at: string | null;
}

const STEP_OF_ACTIVITY: Record<string, StepName | ReversalStepName> = {
  voidCredit: 'void',
  reverseCredit: 'reverse-credit',
  reverseRedemption: 'reverse-redemption',
  checkReversal: 'check-reversal',
  giveUpReversal: 'give-up-reversal',
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

/** Where a redemption, or its reversal, is stuck is left out, if Temporal has not told by then. Milliseconds. */
const TOLD_WITHIN_MS = 1_000;

/** The same, as far as Temporal tells it soon. */
export function ownWorkflowAsTold(client: Client, workflowId: string): ReturnType<typeof ownWorkflow> {
  return within(TOLD_WITHIN_MS, ownWorkflow(client, workflowId)).catch(() => undefined);
}

/** What an answer says of where a workflow is stuck. */
export const stuckMember = (own: Awaited<ReturnType<typeof ownWorkflow>>): { stuck?: Stuck } =>
  own?.isOpen && own.stuck ? { stuck: own.stuck } : {};

/** Where a redemption that is reserved, or the reversal of another one, is stuck, as far as Temporal tells it soon. */
export async function stuckAsTold(
  client: Client,
  { id, state }: Pick<RedemptionRow, 'id' | 'state'>,
): Promise<{ stuck?: Stuck }> {
  const workflowId = state === 'reserved' ? redemptionWorkflowId(id) : reversalWorkflowId(id);
  return stuckMember(await ownWorkflowAsTold(client, workflowId));
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

/** Why a reversal that is over was not done; null where it was. It is waited for where it is not over. */
export const refusalOfReversal = (client: Client, workflowId: string): Promise<string | null> =>
  client.workflow.getHandle<typeof reverse>(workflowId).result();

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

/** The same of a reversal. */
export async function retryReversalNow(
  client: Client,
  taskQueue: string,
  reversal: Reversal,
  options: RedeemOptions,
): Promise<void> {
  const isOwn = await startReversal(client, taskQueue, reversalOrder(reversal), options);
  if (!isOwn) await resetActivities(client, reversalWorkflowId(reversal.redemptionId));
}

/** The workflows of redemptions that are stuck at a step, as Temporal's visibility tells; a moment behind. */
export async function* stuckAt(client: Client, taskQueue: string, step: StepName): AsyncGenerator<string> {
  const query = `TaskQueue = '${taskQueue}' and ${STAGE_ATTRIBUTE} = '${step}' and ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) yield workflowId;
}

/** The workflows of reversals that are stuck at a step; they have no search attribute that tells it. */
export async function* reversalsStuckAt(
  client: Client,
  giftCode: GiftCodePart,
  step: ReversalStepName,
): AsyncGenerator<string> {
  let page: Reversal[] = [];
  do {
    page = await giftCode.unfinishedReversals(0, page.at(-1), PAGE);
    for (const { redemptionId } of page) {
      const workflowId = reversalWorkflowId(redemptionId);
      if ((await ownWorkflow(client, workflowId))?.stuck?.step === step) yield workflowId;
    }
  } while (page.length === PAGE);
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

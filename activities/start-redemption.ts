import type { Client } from '@temporalio/client';
import { inTime } from '../platform/within.ts';
import { type RedeemOptions, type RedemptionItem, redemptionWorkflowId } from '../workflows/contracts.ts';
import type { redeem } from '../workflows/redeem.ts';

/** A redemption as its row has it. */
export interface RowOfRedemption {
  id: string;
  code_id: string;
  group_id: string;
  wallet_id: string;
  client_id: string;
  reference: string | null;
  created_at: Date;
}

/** What a workflow needs to take a redemption on, from its row. */
export function itemOf(row: RowOfRedemption): RedemptionItem {
  return {
    redemptionId: row.id,
    codeId: row.code_id,
    groupId: row.group_id,
    walletId: row.wallet_id,
    clientId: row.client_id,
    ...(row.reference !== null && { reference: row.reference }),
    at: row.created_at.getTime(),
  };
}

/** Starts a redemption's own workflow, unless it is open already. @returns its id */
export async function startRedemption(
  client: Client,
  taskQueue: string,
  item: RedemptionItem,
  options: RedeemOptions,
): Promise<string> {
  const workflowId = redemptionWorkflowId(item.redemptionId);
  await client.workflow.start<typeof redeem>('redeem', {
    workflowId,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    taskQueue,
    args: [[item], options],
  });
  return workflowId;
}

/** Milliseconds. */
const TOLD_WITHIN_MS = 5_000;

/** The redemptions that a workflow was started with. @throws Error where Temporal does not tell in time */
export async function startedWith(client: Client, workflowId: string): Promise<RedemptionItem[]> {
  const asked = client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId },
    maximumPageSize: 1,
  });
  const { history } = await inTime(TOLD_WITHIN_MS, asked);
  const [input] = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return input?.data ? (JSON.parse(Buffer.from(input.data).toString()) as RedemptionItem[]) : [];
}

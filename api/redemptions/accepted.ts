import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import { startedWith } from '../../activities/start-redemption.ts';
import { keep, readKept } from '../../platform/redis.ts';
import type { RedemptionItem } from '../../workflows/contracts.ts';

/** Redemptions that were answered 202 before they had a row: until then other gateways know them from here alone. */
export interface Accepted {
  /** To be called before the answer. */
  tell(item: RedemptionItem): Promise<void>;
  find(redemptionId: string): Promise<RedemptionItem | undefined>;
}

/** A row comes within moments; where that gets stuck, the redemption soon has a workflow under its own id. */
const KEPT_SECONDS = 300;

const keyOf = (redemptionId: string) => `vouchsafe:accepted:${redemptionId}`;

/**
 * Kept in Redis for all gateways. Without it, or without an answer of it, each knows its own.
 *
 * @param recalled those that a process before this one may have accepted, by their ids
 */
export function createAccepted(redis: Redis | null, recalled: ReadonlyMap<string, RedemptionItem>): Accepted {
  let early: ReadonlyMap<string, RedemptionItem> | undefined = recalled;
  setTimeout(() => {
    early = undefined;
  }, KEPT_SECONDS * 1_000).unref();
  return {
    tell: (item) => keep(redis, keyOf(item.redemptionId), item, KEPT_SECONDS),
    find: async (redemptionId) => early?.get(redemptionId) ?? (await readKept(redis, keyOf(redemptionId))),
  };
}

/**
 * What was accepted lately and may have no row yet, as Temporal has it: a process that was killed told nobody else.
 * @returns redemptions of open workflows, by their ids @throws ServiceError
 */
export async function recallAccepted(client: Client, taskQueue: string): Promise<Map<string, RedemptionItem>> {
  const since = new Date(Date.now() - KEPT_SECONDS * 1_000).toISOString();
  const query = `TaskQueue = '${taskQueue}' and WorkflowType = 'redeem' and ExecutionStatus = 'Running' and StartTime > '${since}'`;
  const recalled = new Map<string, RedemptionItem>();
  for await (const { workflowId } of client.workflow.list({ query })) {
    for (const item of await startedWith(client, workflowId)) recalled.set(item.redemptionId, item);
  }
  return recalled;
}

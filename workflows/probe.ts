import { proxyActivities } from '@temporalio/workflow';
import type { GiftCodeActivities, RedeemOptions, SagaPart, WalletActivities } from './contracts.ts';

/** Calls each step of a part that runs apart for nobody. Fails while nobody does them, or they fail. */
export async function probe(part: SagaPart, options: RedeemOptions): Promise<void> {
  const { timeoutMs } = options;
  const { reserve, confirm, release, credit, voidCredit } = proxyActivities<GiftCodeActivities & WalletActivities>({
    taskQueue: options.taskQueues[part],
    scheduleToCloseTimeout: timeoutMs,
    retry: { maximumAttempts: 1 },
  });
  const steps = part === 'wallet' ? [credit, voidCredit] : [reserve, confirm, release];
  for (const step of steps) await step([]);
}

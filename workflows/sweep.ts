import { proxyActivities } from '@temporalio/workflow';
import type { SweepActivities } from './contracts.ts';

/** Picks up redemptions that were reserved, and generations that run, but that no workflow works on. Started by a schedule. */
export async function sweep(afterMs: number, giftCodeTaskQueue: string): Promise<number> {
  const { sweepRedemptions, sweepGenerations } = proxyActivities<SweepActivities>({
    taskQueue: giftCodeTaskQueue,
    startToCloseTimeout: '1 minute',
    retry: { maximumAttempts: 3 },
  });
  return (await sweepRedemptions(afterMs)) + (await sweepGenerations(afterMs));
}

import { proxyActivities } from '@temporalio/workflow';
import type { SweepActivities } from './contracts.ts';

/** Picks up redemptions that were reserved but that no workflow works on. Started by a schedule. */
export async function sweep(afterMs: number, giftCodeTaskQueue: string): Promise<number> {
  const { sweepRedemptions } = proxyActivities<SweepActivities>({
    taskQueue: giftCodeTaskQueue,
    startToCloseTimeout: '1 minute',
    retry: { maximumAttempts: 3 },
  });
  return await sweepRedemptions(afterMs);
}

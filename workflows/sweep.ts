import { proxyActivities } from '@temporalio/workflow';
import type { SweepActivities } from './contracts.ts';

/**
 * Picks up redemptions that are reserved or being taken back, and generations that run, but that no workflow works on, counts what is settled,
 * and has codes follow their keys. Started by a schedule.
 */
export async function sweep(afterMs: number, giftCodeTaskQueue: string): Promise<number> {
  const { sweepRedemptions, sweepGenerations, rollRedemptions, renewCodes } = proxyActivities<SweepActivities>({
    taskQueue: giftCodeTaskQueue,
    startToCloseTimeout: '1 minute',
    retry: { maximumAttempts: 3 },
  });
  const pickedUp = (await sweepRedemptions(afterMs)) + (await sweepGenerations(afterMs));
  await rollRedemptions();
  await renewCodes();
  return pickedUp;
}

import type { Worker } from '@temporalio/worker';
import { noticeActivities } from '../activities/notices.ts';
import { batchStarter } from '../activities/start-batch.ts';
import type { Heard } from '../api/redemptions/endings.ts';
import type { RedeemOptions, SagaPart } from '../workflows/contracts.ts';
import type { Keep } from './closing.ts';
import { type GatewaySettings, startGatewayThread } from './gateway-thread.ts';
import { runWorkers, sagaWorker, type Temporal, type Workers } from './temporal.ts';

export interface Others {
  temporal: Temporal;
  redeemOptions: RedeemOptions;
  workflowBundle: Promise<string>;
  keep: Keep;
  /** The gateway wrote events of a part. */
  wrote(part: SagaPart): void;
  /** Workers that run beside that of sagas, and activities that sagas call locally. @param heard is told what they do */
  makeWorkers(heard: Heard): Promise<{ workers: Worker[]; activities: object }>;
}

/** Starts a gateway in a thread of its own, and in this one the workflows that it starts. */
export async function startGateway(
  settings: Omit<GatewaySettings, 'redeemOptions'>,
  { temporal, redeemOptions, workflowBundle, keep, wrote, makeWorkers }: Others,
): Promise<{ url: string; failed: Promise<never> }> {
  const config = settings.config.temporal;
  let running: Workers | undefined;
  keep({ close: () => running?.close() });
  // Closed before the workers, so that what it has accepted comes to an end.
  const gateway = keep(
    startGatewayThread(
      { ...settings, redeemOptions },
      { startBatch: batchStarter(temporal.client, config.taskQueue, redeemOptions), wrote },
    ),
  );
  const { workers, activities } = await makeWorkers(gateway.progress);
  const local = { ...activities, ...noticeActivities(gateway.progress) };
  running = runWorkers([await sagaWorker(temporal, config, await workflowBundle, local), ...workers]);
  return { url: await gateway.listening, failed: running.failed };
}

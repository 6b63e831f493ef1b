import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkerOptions } from '@temporalio/worker';
import { DATA_CONVERTER, openTemporal } from '../workers/temporal.ts';
import type { Stage } from './stage.ts';

/** Runs `work` beside a worker for the benches' own workflows in this process; client and worker share a connection. */
export async function withWorker<T>(
  stage: Stage,
  options: Pick<WorkerOptions, 'activities'> & { taskQueue: string },
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../bench/workflows.ts', import.meta.url)),
    payloadConverterPath: DATA_CONVERTER.payloadConverterPath,
    logger: new DefaultLogger('ERROR'),
  });
  const { client, connection, close } = await openTemporal(stage.urls.temporal, { namespace: 'default', signIn: {} });
  try {
    const worker = await Worker.create({
      ...options,
      connection,
      dataConverter: DATA_CONVERTER,
      workflowBundle,
      maxCachedWorkflows: 1_000,
      maxConcurrentWorkflowTaskExecutions: 100,
      maxConcurrentActivityTaskExecutions: 100,
      workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 10 },
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 10 },
      shutdownForceTime: '5 seconds',
    });
    return await worker.runUntil(work(client));
  } finally {
    await close();
  }
}

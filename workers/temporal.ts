import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { type Config, ConfigError, type TemporalSettings } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import {
  CODE_GROUP_ATTRIBUTE,
  type GenerationActivities,
  type GiftCodeActivities,
  generationTaskQueue,
  partTaskQueues,
  type RedeemOptions,
  STAGE_ATTRIBUTE,
  type SweepActivities,
  type WalletActivities,
} from '../workflows/contracts.ts';

/** One connection for client and workers: only so can a started workflow's first task come back with the start's answer. */
export interface Temporal {
  client: Client;
  connection: NativeConnection;
  close(): Promise<void>;
}

const KEYWORD = 2;
const GRPC_NOT_FOUND = 5;
const GRPC_PERMISSION_DENIED = 7;

/** How values are written for Temporal, by clients and workers. */
export const DATA_CONVERTER = {
  payloadConverterPath: fileURLToPath(new URL('../workflows/payload-converter.cjs', import.meta.url)),
};

/** The SDK's one runtime of a process: our log, and our own handling of signals. */
export function installRuntime(logger: Logger): void {
  Runtime.install({
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      // The parts' queues hold activities only, on purpose.
      if (message.startsWith('No workflows registered')) return;
      logger[level === 'ERROR' ? 'error' : 'warn']({ temporal: meta }, message);
    }),
  });
}

/** Connects to Temporal and registers the search attributes of the saga. @throws ConfigError when it does not let us in */
export async function openTemporal(
  address: string,
  { namespace, signIn }: Pick<TemporalSettings, 'namespace' | 'signIn'>,
): Promise<Temporal> {
  const connection = await NativeConnection.connect({
    ...signIn,
    address,
    // Everything is on a fast network: compressing costs a fifth of the rate (measured).
    grpcCompression: { codec: 'none' },
  }).catch((error: Error) => {
    throw new ConfigError(
      `Temporal cannot be reached at ${address} (${error.message}). Check that it runs and that TEMPORAL_ADDRESS is right, and TEMPORAL_TLS_* and TEMPORAL_API_KEY, if it asks for them.`,
    );
  });
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = [STAGE_ATTRIBUTE, CODE_GROUP_ATTRIBUTE].filter((name) => !(name in customAttributes));
    if (missing.length > 0) {
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
      });
    }
  } catch (error) {
    await connection.close();
    const { code } = error as { code?: number };
    if (code === GRPC_NOT_FOUND) {
      throw new ConfigError(`TEMPORAL_NAMESPACE cannot be ${namespace}: Temporal at ${address} has no such namespace.`);
    }
    if (code === GRPC_PERMISSION_DENIED) {
      throw new ConfigError(
        `Temporal at ${address} does not let us make search attributes. Let somebody who may make ${STAGE_ATTRIBUTE} and ${CODE_GROUP_ATTRIBUTE}, of type Keyword, in the namespace ${namespace}.`,
      );
    }
    throw error;
  }
  const client = new Client({ connection, namespace, dataConverter: DATA_CONVERTER });
  return { client, connection, close: () => connection.close() };
}

export interface Workers {
  /** Rejects when one of them fails for good. */
  failed: Promise<never>;
  close(): Promise<void>;
}

/** Runs workers until they are closed. */
export function runWorkers(workers: Worker[]): Workers {
  const runs = workers.map((worker) => worker.run());
  const failed = new Promise<never>((_, reject) => Promise.all(runs).catch(reject));
  failed.catch(() => undefined);
  return {
    failed,
    async close() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
    },
  };
}

/** For workflows, and for the activities that they call locally. */
export function sagaWorker(
  temporal: Temporal,
  config: Config['temporal'],
  workflowBundle: string,
  activities: object,
): Promise<Worker> {
  return Worker.create({
    ...shared(temporal, config),
    taskQueue: config.taskQueue,
    workflowBundle: { code: workflowBundle, sourceMap: '' },
    activities,
    maxCachedWorkflows: 200,
    maxConcurrentWorkflowTaskExecutions: 40,
    maxConcurrentLocalActivityExecutions: 40,
    maxConcurrentActivityTaskExecutions: 1,
  });
}

/** For the part's own task queue, and for codes made in the background. */
export async function giftCodeWorkers(
  temporal: Temporal,
  config: Config['temporal'],
  activities: GiftCodeActivities & SweepActivities,
  generation: GenerationActivities,
): Promise<Worker[]> {
  const taskQueue = partTaskQueues(config.taskQueue)['gift-code'];
  return [
    await Worker.create({ ...shared(temporal, config), taskQueue, activities: { ...activities } }),
    await Worker.create({
      ...shared(temporal, config),
      taskQueue: generationTaskQueue(taskQueue),
      activities: { ...generation },
      // One keeps a processor busy already.
      maxConcurrentActivityTaskExecutions: 1,
    }),
  ];
}

/** For the part's own task queue. */
export function walletWorker(
  temporal: Temporal,
  config: Config['temporal'],
  activities: WalletActivities,
): Promise<Worker> {
  const taskQueue = partTaskQueues(config.taskQueue).wallet;
  return Worker.create({ ...shared(temporal, config), taskQueue, activities: { ...activities } });
}

const shared = ({ connection }: Temporal, { namespace }: Config['temporal']) =>
  ({ connection, namespace, dataConverter: DATA_CONVERTER, shutdownGraceTime: '10 seconds' }) as const;

/** How sagas are run. @param apart whether parts run in processes of their own */
export const redeemOptions = ({ temporal, steps }: Config, apart: boolean): RedeemOptions => ({
  apart,
  taskQueues: partTaskQueues(temporal.taskQueue),
  ...steps,
});

import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { type Config, ConfigError } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import {
  CODE_GROUP_ATTRIBUTE,
  type GenerationActivities,
  type GiftCodeActivities,
  generationTaskQueue,
  type NoticeActivities,
  partTaskQueues,
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

export interface Activities {
  giftCode: GiftCodeActivities & SweepActivities;
  generation: GenerationActivities;
  wallet: WalletActivities;
  notices: NoticeActivities;
}

const KEYWORD = 2;
const GRPC_NOT_FOUND = 5;

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

/** Connects to Temporal and registers the search attributes of the saga. @throws ConfigError when the server cannot be reached */
export async function openTemporal(address: string, namespace: string): Promise<Temporal> {
  const connection = await NativeConnection.connect({
    address,
    // Everything is on a fast network: compressing costs a fifth of the rate (measured).
    grpcCompression: { codec: 'none' },
  }).catch(() => {
    throw new ConfigError(
      `Temporal cannot be reached at ${address}. Check that it runs and that TEMPORAL_ADDRESS is right, or unset it.`,
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
    if ((error as { code?: number }).code !== GRPC_NOT_FOUND) throw error;
    throw new ConfigError(`TEMPORAL_NAMESPACE cannot be ${namespace}: Temporal at ${address} has no such namespace.`);
  }
  const client = new Client({ connection, namespace, dataConverter: DATA_CONVERTER });
  return { client, connection, close: () => connection.close() };
}

export interface Workers {
  /** Rejects when one of them fails for good. */
  failed: Promise<never>;
  close(): Promise<void>;
}

/**
 * Starts the workers: one for workflows and their local activities, one for each part's task queue, one for codes made in
 * the background.
 */
export async function startWorkers(
  temporal: Temporal,
  config: Config['temporal'],
  workflowBundle: string,
  activities: Activities,
): Promise<Workers> {
  const shared = {
    connection: temporal.connection,
    namespace: config.namespace,
    dataConverter: DATA_CONVERTER,
    shutdownGraceTime: '10 seconds',
  } as const;
  const queues = partTaskQueues(config.taskQueue);
  const saga = await Worker.create({
    ...shared,
    taskQueue: config.taskQueue,
    workflowBundle: { code: workflowBundle, sourceMap: '' },
    activities: { ...activities.giftCode, ...activities.wallet, ...activities.notices },
    maxCachedWorkflows: 200,
    maxConcurrentWorkflowTaskExecutions: 40,
    maxConcurrentLocalActivityExecutions: 40,
    maxConcurrentActivityTaskExecutions: 1,
  });
  const giftCode = await Worker.create({
    ...shared,
    taskQueue: queues['gift-code'],
    activities: { ...activities.giftCode },
  });
  const wallet = await Worker.create({ ...shared, taskQueue: queues.wallet, activities: { ...activities.wallet } });
  const generation = await Worker.create({
    ...shared,
    taskQueue: generationTaskQueue(queues['gift-code']),
    activities: { ...activities.generation },
    // One keeps a processor busy already.
    maxConcurrentActivityTaskExecutions: 1,
  });
  const workers = [saga, giftCode, wallet, generation];
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

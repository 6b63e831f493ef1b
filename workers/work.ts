import type { Worker } from '@temporalio/worker';
import { generationActivities } from '../activities/generation.ts';
import { giftCodeActivities } from '../activities/gift-code.ts';
import { sweepActivities } from '../activities/sweep.ts';
import { walletActivities } from '../activities/wallet.ts';
import type { Heard } from '../api/redemptions/endings.ts';
import { openCodeKeys } from '../domains/gift-code/open-code-keys.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import { ping } from '../platform/part-operations.ts';
import type { RedeemOptions, SagaPart } from '../workflows/contracts.ts';
import type { Keep } from './closing.ts';
import { databaseOptions, openGiftCode, openWallet } from './databases.ts';
import { startRelay } from './relay.ts';
import { giftCodeWorkers, type Temporal, walletWorker } from './temporal.ts';

/** What does a part's steps of sagas, and publishes its events. */
export interface Work {
  /** @throws DatabaseUnavailable */
  ping(timeoutMs: number): Promise<void>;
  /** Events were written elsewhere: the relay need not wait for its poll. */
  wakeRelay(): void;
  /**
   * Makes the workers that take steps from the part's own task queues, and activities for a worker of sagas that does them
   * locally. @param heard is told what they do
   */
  makeWorkers(heard: Heard): Promise<{ workers: Worker[]; activities: object }>;
}

export interface WorkSettings {
  config: Config;
  natsUrl: string;
  temporal: Temporal;
  redeemOptions: RedeemOptions;
  logger: Logger;
  keep: Keep;
}

export async function openGiftCodeWork(databaseUrl: string, settings: WorkSettings): Promise<Work> {
  const { config, temporal, redeemOptions, keep } = settings;
  const options = databaseOptions(config);
  const db = keep(await openGiftCode(databaseUrl, options));
  const codeKeys = await openCodeKeys(db, config.home, config.codeKeys);
  const relay = relayOf('gift-code', databaseUrl, settings);
  return {
    ping: (timeoutMs) => ping(db, timeoutMs),
    wakeRelay: relay.wake,
    async makeWorkers(heard) {
      const activities = {
        ...giftCodeActivities(db, { ...heard, wrote: relay.wake }),
        ...sweepActivities(db, codeKeys, temporal.client, config.temporal.taskQueue, redeemOptions),
      };
      const limits = { chunk: config.generation.chunk, timeoutMs: options.statementTimeoutMs };
      const generation = generationActivities(db, codeKeys, limits, relay);
      return { workers: await giftCodeWorkers(temporal, config.temporal, activities, generation), activities };
    },
  };
}

export async function openWalletWork(databaseUrl: string, settings: WorkSettings): Promise<Work> {
  const { config, temporal, keep } = settings;
  const db = keep(await openWallet(databaseUrl, databaseOptions(config)));
  const relay = relayOf('wallet', databaseUrl, settings);
  return {
    ping: (timeoutMs) => ping(db, timeoutMs),
    wakeRelay: relay.wake,
    async makeWorkers(heard) {
      const activities = walletActivities(db, { ...heard, wrote: relay.wake });
      return { workers: [await walletWorker(temporal, config.temporal, activities)], activities };
    },
  };
}

function relayOf(part: SagaPart, databaseUrl: string, { config, natsUrl, logger, keep }: WorkSettings) {
  const { nats, outboxKeptMs: keptMs } = config;
  return keep(startRelay({ part, databaseUrl, natsUrl, nats, keptMs, logger }));
}

import { generationActivities } from '../activities/generation.ts';
import { giftCodeActivities } from '../activities/gift-code.ts';
import { noticeActivities } from '../activities/notices.ts';
import type { Progress } from '../activities/progress.ts';
import { batchStarter } from '../activities/start-redemption.ts';
import { sweepActivities } from '../activities/sweep.ts';
import { walletActivities } from '../activities/wallet.ts';
import { openCodeKeys } from '../domains/gift-code/open-code-keys.ts';
import type { Config } from '../platform/config.ts';
import type { LocalServers } from '../platform/local/index.ts';
import type { Logger } from '../platform/logger.ts';
import { partTaskQueues, type RedeemOptions } from '../workflows/contracts.ts';
import { openedThings } from './closing.ts';
import { databaseOptions, migrateDatabases, openGiftCode, openWallet } from './databases.ts';
import { startGatewayThread } from './gateway-thread.ts';
import { startRelay } from './relay.ts';
import { startSweeping } from './sweeping.ts';
import { openTemporal, startWorkers, type Workers } from './temporal.ts';

export interface Service {
  /** Where the API listens. */
  url: string;
  /** Rejects when a worker fails for good: redemptions would be accepted, and not done. */
  failed: Promise<never>;
  close(): Promise<void>;
}

/**
 * Starts gateway, workers and relays in this process, over servers that run: the gateway in a thread of its own, workers
 * and relays in this one. Stops what it started if it cannot.
 */
export async function startService(
  config: Config,
  urls: LocalServers['urls'],
  adminKey: string,
  logger: Logger,
  workflowBundle: Promise<string>,
): Promise<Service> {
  const { keep, close } = openedThings();
  try {
    return { ...(await open()), close };
  } catch (error) {
    await close();
    throw error;
  }

  async function open(): Promise<Omit<Service, 'close'>> {
    await migrateDatabases(urls);
    const connections = databaseOptions(config);
    const giftCode = keep(await openGiftCode(urls, connections));
    const wallet = keep(await openWallet(urls, connections));
    const codeKeys = await openCodeKeys(giftCode, config.home, config.codeKeys);
    const temporal = keep(await openTemporal(urls.temporal, config.temporal.namespace));
    const { taskQueue } = config.temporal;
    const redeemOptions: RedeemOptions = { apart: false, taskQueues: partTaskQueues(taskQueue), ...config.steps };

    const relayOf = (part: 'gift-code' | 'wallet', databaseUrl: string) =>
      keep(
        startRelay({
          part,
          databaseUrl,
          natsUrl: urls.nats,
          stream: config.natsStream,
          keptMs: config.outboxKeptMs,
          logger,
        }),
      );
    const relays = {
      'gift-code': relayOf('gift-code', urls.giftCodeDatabase),
      wallet: relayOf('wallet', urls.walletDatabase),
    };
    const wrote = (part: 'gift-code' | 'wallet') => relays[part].wake();

    let workers: Workers | undefined;
    keep({ close: () => workers?.close() });
    // Closed before the workers, so that what it has accepted comes to an end.
    const gateway = keep(
      startGatewayThread(
        { config, urls, adminKey, redeemOptions },
        { startBatch: batchStarter(temporal.client, taskQueue, redeemOptions), wrote },
      ),
    );
    const progress: Progress = { ...gateway.progress, wrote };
    workers = await startWorkers(temporal, config.temporal, await workflowBundle, {
      giftCode: {
        ...giftCodeActivities(giftCode, progress),
        ...sweepActivities(giftCode, codeKeys, temporal.client, taskQueue, redeemOptions),
      },
      generation: generationActivities(
        giftCode,
        codeKeys,
        { chunk: config.generation.chunk, timeoutMs: connections.statementTimeoutMs },
        progress,
      ),
      wallet: walletActivities(wallet, progress),
      notices: noticeActivities(progress),
    });
    await startSweeping(temporal.client, config);
    return { url: await gateway.listening, failed: workers.failed };
  }
}

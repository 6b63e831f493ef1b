import { noticeActivities } from '../activities/notices.ts';
import { batchStarter } from '../activities/start-redemption.ts';
import type { Config } from '../platform/config.ts';
import type { LocalServers } from '../platform/local/index.ts';
import type { Logger } from '../platform/logger.ts';
import { openedThings } from './closing.ts';
import { migrateOrExplain } from './databases.ts';
import { startGatewayThread } from './gateway-thread.ts';
import { startSweeping } from './sweeping.ts';
import { openTemporal, redeemOptions, runWorkers, sagaWorker, type Workers } from './temporal.ts';
import { openGiftCodeWork, openWalletWork } from './work.ts';

export interface Service {
  /** Where the API listens. */
  url: string;
  /** Rejects when a worker fails for good: redemptions would be accepted, and not done. */
  failed: Promise<never>;
  close(): Promise<void>;
}

/**
 * Starts all parts in this process, over servers that run: the gateway in a thread of its own, workers and relays in this
 * one. Stops what it started if it cannot.
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
    await Promise.all([
      migrateOrExplain('gateway', urls.gatewayDatabase),
      migrateOrExplain('gift-code', urls.giftCodeDatabase),
      migrateOrExplain('wallet', urls.walletDatabase),
    ]);
    const temporal = keep(await openTemporal(urls.temporal, config.temporal.namespace));
    const options = redeemOptions(config, false);
    const settings = { config, natsUrl: urls.nats, temporal, redeemOptions: options, logger, keep };
    const giftCode = await openGiftCodeWork(urls.giftCodeDatabase, settings);
    const wallet = await openWalletWork(urls.walletDatabase, settings);

    let workers: Workers | undefined;
    keep({ close: () => workers?.close() });
    // Closed before the workers, so that what it has accepted comes to an end.
    const gateway = keep(
      startGatewayThread(
        {
          config,
          urls: { ...urls, giftCode: urls.giftCodeDatabase, wallet: urls.walletDatabase },
          adminKey,
          redeemOptions: options,
        },
        {
          startBatch: batchStarter(temporal.client, config.temporal.taskQueue, options),
          wrote: (part) => (part === 'wallet' ? wallet : giftCode).wakeRelay(),
        },
      ),
    );
    const ofGiftCode = await giftCode.makeWorkers(gateway.progress);
    const ofWallet = await wallet.makeWorkers(gateway.progress);
    const local = { ...ofGiftCode.activities, ...ofWallet.activities, ...noticeActivities(gateway.progress) };
    const saga = await sagaWorker(temporal, config.temporal, await workflowBundle, local);
    workers = runWorkers([saga, ...ofGiftCode.workers, ...ofWallet.workers]);
    await startSweeping(temporal.client, config);
    return { url: await gateway.listening, failed: workers.failed };
  }
}

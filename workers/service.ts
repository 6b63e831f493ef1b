import type { Config } from '../platform/config.ts';
import type { LocalServers } from '../platform/local/index.ts';
import type { Logger } from '../platform/logger.ts';
import { openedThings } from './closing.ts';
import { migrateOrExplain } from './databases.ts';
import { startGateway } from './start-gateway.ts';
import { startSweeping } from './sweeping.ts';
import { openTemporal, redeemOptions } from './temporal.ts';
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
    const temporal = keep(await openTemporal(urls.temporal, config.temporal));
    const settings = {
      config,
      natsUrl: urls.nats,
      temporal,
      redeemOptions: redeemOptions(config, false),
      logger,
      keep,
    };
    const giftCode = await openGiftCodeWork(urls.giftCodeDatabase, settings);
    const wallet = await openWalletWork(urls.walletDatabase, settings);

    const running = await startGateway(
      { config, urls: { ...urls, giftCode: urls.giftCodeDatabase, wallet: urls.walletDatabase }, adminKey },
      {
        ...settings,
        workflowBundle,
        wrote: (part) => (part === 'wallet' ? wallet : giftCode).wakeRelay(),
        async makeWorkers(heard) {
          const ofGiftCode = await giftCode.makeWorkers(heard);
          const ofWallet = await wallet.makeWorkers(heard);
          return {
            workers: [...ofGiftCode.workers, ...ofWallet.workers],
            activities: { ...ofGiftCode.activities, ...ofWallet.activities },
          };
        },
      },
    );
    await startSweeping(temporal.client, config);
    return running;
  }
}

import { createEndings } from '../api/redemptions/endings.ts';
import type { GiftCodePart } from '../domains/gift-code/operations.ts';
import type { WalletPart } from '../domains/wallet/operations.ts';
import { type Config, ConfigError, PORTS } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import { inTime } from '../platform/within.ts';
import { type Keep, openedThings } from './closing.ts';
import { migrateOrExplain } from './databases.ts';
import { startHttpServer } from './http-server.ts';
import { createPartApp, type PartAppOptions } from './part-app.ts';
import { giftCodePart, partsKey, walletPart } from './parts.ts';
import { startGateway } from './start-gateway.ts';
import { startSweeping } from './sweeping.ts';
import { openTemporal, redeemOptions, runWorkers } from './temporal.ts';
import { openGiftCodeWork, openWalletWork, type Work, type WorkSettings } from './work.ts';

/** What runs in a process by itself: `serve` answers for a part, `work` does its steps of sagas and publishes its events. */
export const ROLES = ['serve gateway', 'serve wallet', 'serve gift-code', 'work wallet', 'work gift-code'] as const;
export type Role = (typeof ROLES)[number];

interface Running {
  /** Where it listens, if it does. */
  url: string | undefined;
  /** Rejects when a worker fails for good. */
  failed: Promise<never>;
}

interface Setting {
  config: Config;
  adminKey: () => Promise<string>;
  logger: Logger;
  workflowBundle: () => Promise<string>;
  keep: Keep;
}

const NEVER = new Promise<never>(() => undefined);
const READY_MS = 2_000;

/** Starts one role in this process, over servers and parts that run elsewhere. @throws ConfigError where one is not named */
export async function startApart(
  role: Role,
  setting: Omit<Setting, 'keep'>,
): Promise<Running & { close(): Promise<void> }> {
  const { keep, close } = openedThings();
  try {
    return { ...(await START[role]({ ...setting, keep })), close };
  } catch (error) {
    await close();
    throw error;
  }
}

const START: Record<Role, (setting: Setting) => Promise<Running>> = {
  'serve gateway': serveGateway,
  'serve wallet': serveWallet,
  'serve gift-code': serveGiftCode,
  'work wallet': workOnWallets,
  'work gift-code': workOnGiftCodes,
};

async function serveGateway({ config, adminKey, workflowBundle, keep }: Setting): Promise<Running> {
  const { given, parts } = config;
  const gatewayDatabase = named('GATEWAY_DATABASE_URL', given.gatewayDatabaseUrl);
  const urls = {
    gatewayDatabase,
    giftCode: named('GIFT_CODE_URL', parts.giftCodeUrl),
    wallet: named('WALLET_URL', parts.walletUrl),
    temporal: named('TEMPORAL_ADDRESS', given.temporalAddress),
    nats: named('NATS_URL', given.natsUrl),
    redis: given.redisUrl ?? null,
    temporalWebUi: null,
  };
  await migrateOrExplain('gateway', gatewayDatabase);
  const temporal = keep(await openTemporal(urls.temporal, config.temporal));
  return await startGateway(
    { config, urls, adminKey: await adminKey() },
    {
      temporal,
      redeemOptions: redeemOptions(config, true),
      workflowBundle: workflowBundle(),
      keep,
      // Steps are done, and events published, by other processes.
      wrote: () => undefined,
      makeWorkers: async () => ({ workers: [], activities: {} }),
    },
  );
}

async function serveWallet(setting: Setting): Promise<Running> {
  const url = named('WALLET_DATABASE_URL', setting.config.given.walletDatabaseUrl);
  const key = partsKey(setting.config);
  await migrateOrExplain('wallet', url);
  return await serve(setting, PORTS.wallet, { operations: await walletPart(url, setting.config, setting.keep), key });
}

async function serveGiftCode(setting: Setting): Promise<Running> {
  const url = named('GIFT_CODE_DATABASE_URL', setting.config.given.giftCodeDatabaseUrl);
  const key = partsKey(setting.config);
  await migrateOrExplain('gift-code', url);
  const { giftCode } = await giftCodePart(url, setting.config, setting.keep);
  return await serve(setting, PORTS['gift-code'], { operations: giftCode, key });
}

async function serve(
  setting: Setting,
  port: number,
  served: { operations: GiftCodePart | WalletPart; key: string },
): Promise<Running> {
  const ready = () => served.operations.ping(READY_MS);
  return { url: await listen(setting, port, { ready, metrics: createMetrics(), served }), failed: NEVER };
}

async function workOnWallets(setting: Setting): Promise<Running> {
  const url = named('WALLET_DATABASE_URL', setting.config.given.walletDatabaseUrl);
  const settings = await workSettings(setting);
  await migrateOrExplain('wallet', url);
  return await workOn(await openWalletWork(url, settings), setting, settings);
}

async function workOnGiftCodes(setting: Setting): Promise<Running> {
  const url = named('GIFT_CODE_DATABASE_URL', setting.config.given.giftCodeDatabaseUrl);
  const settings = await workSettings(setting);
  await migrateOrExplain('gift-code', url);
  const running = await workOn(await openGiftCodeWork(url, settings), setting, settings);
  await startSweeping(settings.temporal.client, setting.config);
  return running;
}

async function workSettings({ config, logger, keep }: Setting): Promise<WorkSettings> {
  const { given } = config;
  const address = named('TEMPORAL_ADDRESS', given.temporalAddress);
  const natsUrl = named('NATS_URL', given.natsUrl);
  const temporal = keep(await openTemporal(address, config.temporal));
  return { config, natsUrl, temporal, redeemOptions: redeemOptions(config, true), logger, keep };
}

async function workOn({ ping, makeWorkers }: Work, setting: Setting, { temporal }: WorkSettings): Promise<Running> {
  const { config, keep } = setting;
  const metrics = createMetrics();
  // No request waits here: what it hears, it counts.
  const { workers } = await makeWorkers(createEndings(metrics));
  const running = keep(runWorkers(workers));
  const ready = async () => {
    await ping(READY_MS);
    await inTime(READY_MS, temporal.client.workflowService.getSystemInfo({}));
  };
  const url = config.port === undefined ? undefined : await listen(setting, config.port, { ready, metrics });
  return { url, failed: running.failed };
}

/** @returns the URL */
async function listen(
  { config, logger, keep }: Setting,
  port: number,
  options: Omit<PartAppOptions, 'logger'>,
): Promise<string> {
  const app = createPartApp({ ...options, logger });
  return keep(await startHttpServer(app.callback(), config.host, config.port ?? port)).url;
}

/** @throws ConfigError */
function named(variable: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new ConfigError(
    `${variable} is not set: parts that run apart start no servers, and have to be told where each is.`,
  );
}

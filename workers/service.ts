import { generationActivities } from '../activities/generation.ts';
import { giftCodeActivities } from '../activities/gift-code.ts';
import { noticeActivities } from '../activities/notices.ts';
import { createProgress } from '../activities/progress.ts';
import { sweepActivities } from '../activities/sweep.ts';
import { walletActivities } from '../activities/wallet.ts';
import { createApp } from '../api/app.ts';
import { createCached } from '../api/cached.ts';
import { createGuesses } from '../api/guesses/guesses.ts';
import { createCallers } from '../api/keys/callers.ts';
import { createRateLimit } from '../api/rate-limit.ts';
import { createReconciler } from '../api/reconciliations/reconciler.ts';
import { createBreaker, type Dependency } from '../api/redemptions/breaker.ts';
import { createDispatcher } from '../api/redemptions/dispatcher.ts';
import { createLookups } from '../api/redemptions/lookups.ts';
import { createRedemptions } from '../api/redemptions/redemptions.ts';
import { openAdminClient } from '../domains/gateway/open-admin-client.ts';
import { watchGivenCodeLengths } from '../domains/gift-code/given-code-lengths.ts';
import { openCodeKeys } from '../domains/gift-code/open-code-keys.ts';
import { probeGiftCode } from '../domains/gift-code/probe.ts';
import { probeWallet } from '../domains/wallet/probe.ts';
import type { Config } from '../platform/config.ts';
import type { LocalServers } from '../platform/local/index.ts';
import type { Logger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import { openRedis } from '../platform/redis.ts';
import { partTaskQueues, type RedeemOptions } from '../workflows/contracts.ts';
import { openDatabases } from './databases.ts';
import { startHttpServer } from './http-server.ts';
import { startRelay } from './relay.ts';
import { startSweeping } from './sweeping.ts';
import { openTemporal, startWorkers } from './temporal.ts';
import { startWebhookConsumer } from './webhook-consumer.ts';
import { startWebhookDeliverer } from './webhook-deliverer.ts';

export interface Service {
  /** Where the API listens. */
  url: string;
  close(): Promise<void>;
}

/** Statements end before the attempt at a step that runs them does. */
const STATEMENT_SHARE = 0.8;

/** Starts gateway, workers and relays in this process, over servers that run. Stops what it started if it cannot. */
export async function startService(
  config: Config,
  urls: LocalServers['urls'],
  adminKey: string,
  logger: Logger,
  workflowBundle: Promise<string>,
): Promise<Service> {
  const opened: { close(): unknown }[] = [];
  /** Has it closed in the end, before all that was kept earlier. */
  const keep = <T extends { close(): unknown }>(thing: T): T => {
    opened.push(thing);
    return thing;
  };
  const closeAll = async () => {
    for (const thing of opened.splice(0).reverse()) await thing.close();
  };
  try {
    return { url: await open(), close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }

  async function open(): Promise<string> {
    const metrics = createMetrics();
    const statementTimeoutMs = Math.floor(config.steps.timeoutMs * STATEMENT_SHARE);
    const connections = { steps: config.dispatcher.batchesInFlight + 1, door: 2, reads: 2, statementTimeoutMs };
    const { gateway, giftCode, wallet } = await openDatabases(urls, connections, keep);
    const codeKeys = await openCodeKeys(giftCode, config.home, config.codeKeys);
    const adminClientId = await openAdminClient(gateway);
    const givenCodeLengths = keep(await watchGivenCodeLengths(giftCode));

    const temporal = keep(await openTemporal(urls.temporal, config.temporal.namespace));
    const { taskQueue } = config.temporal;
    const redeemOptions: RedeemOptions = { apart: false, taskQueues: partTaskQueues(taskQueue), ...config.steps };
    const progress = createProgress(metrics);
    const stopWorkers = await startWorkers(temporal, config.temporal, await workflowBundle, {
      giftCode: {
        ...giftCodeActivities(giftCode, progress),
        ...sweepActivities(giftCode, temporal.client, taskQueue, redeemOptions),
      },
      generation: generationActivities(
        giftCode,
        codeKeys,
        { chunk: config.generation.chunk, timeoutMs: statementTimeoutMs },
        progress,
      ),
      wallet: walletActivities(wallet, progress),
      notices: noticeActivities(progress),
    });
    keep({ close: stopWorkers });
    await startSweeping(temporal.client, config);

    const relayOf = (part: 'gift-code' | 'wallet', databaseUrl: string) =>
      startRelay({
        part,
        databaseUrl,
        natsUrl: urls.nats,
        stream: config.natsStream,
        keptMs: config.outboxKeptMs,
        logger,
      });
    const relays = {
      'gift-code': relayOf('gift-code', urls.giftCodeDatabase),
      wallet: relayOf('wallet', urls.walletDatabase),
    };
    keep({ close: () => Promise.all([relays['gift-code'].close(), relays.wallet.close()]) });
    progress.onWrite((part) => relays[part].wake());

    const deliverer = keep(startWebhookDeliverer(gateway, codeKeys.seals, config.webhooks, metrics, logger));
    const consumer = keep(
      startWebhookConsumer({
        gateway,
        natsUrl: urls.nats,
        stream: config.natsStream,
        keptMs: config.webhooks.keptMs,
        logger,
        onAdded: deliverer.wake,
      }),
    );

    const probes: Record<Dependency, () => Promise<unknown>> = {
      'gift-code': () => probeGiftCode(giftCode, statementTimeoutMs),
      wallet: () => probeWallet(wallet, statementTimeoutMs),
      temporal: () => temporal.client.workflowService.getSystemInfo({}),
    };
    const breaker = keep(
      createBreaker(
        (dependency) => probes[dependency](),
        (dependency, isOpen) => logger.warn({ dependency }, isOpen ? 'the breaker opened' : 'the breaker closed'),
      ),
    );
    progress.onHandOver((notice) => {
      logger.warn(
        { step: notice.step, redemptions: notice.redemptionIds.length, error: notice.error },
        'redemptions are stuck',
      );
      if (notice.outage) breaker.open(notice.part);
    });
    const startTarget = { client: temporal.client, address: urls.temporal, taskQueue };
    const dispatcher = createDispatcher(startTarget, progress, redeemOptions, config.dispatcher, metrics, () =>
      breaker.open('temporal'),
    );
    const redis = urls.redis ? openRedis(urls.redis) : null;
    keep({ close: () => redis?.disconnect() });
    const guesses = keep(createGuesses(config.guesses, redis, metrics));
    const webUiUrl = config.webUiUrl ?? urls.temporalWebUi;
    const app = createApp({
      config,
      logger,
      metrics,
      gateway,
      giftCode,
      wallet,
      temporal: temporal.client,
      callers: createCallers(gateway, adminKey, adminClientId),
      rateLimit: createRateLimit(config.rateLimit, redis),
      guesses,
      cached: createCached(redis),
      reconciler: createReconciler({ gateway, giftCode, wallet }, logger),
      codeKeys,
      givenCodeLengths,
      redemptions: createRedemptions(createLookups(giftCode, wallet, statementTimeoutMs), dispatcher, breaker, metrics),
      breaker,
      servers: { nats: urls.nats, redis: urls.redis },
      redeemOptions,
      traceUrl: (workflowId) =>
        webUiUrl && `${webUiUrl.replace(/\/$/, '')}/namespaces/${config.temporal.namespace}/workflows/${workflowId}`,
      wrote: (part) => relays[part].wake(),
      webhooksChanged() {
        consumer.wake();
        deliverer.wake();
      },
    });
    return keep(await startHttpServer(app.callback(), config.host, config.port)).url;
  }
}

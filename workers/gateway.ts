import { parentPort, workerData } from 'node:worker_threads';
import { Client } from '@temporalio/client';
import { probeApart } from '../activities/probe-apart.ts';
import type { StartBatch } from '../activities/start-batch.ts';
import { createApp } from '../api/app.ts';
import { createCached } from '../api/cached.ts';
import { watchGivenCodeLengths } from '../api/given-code-lengths.ts';
import { createGuesses } from '../api/guesses/guesses.ts';
import { createCallers } from '../api/keys/callers.ts';
import { createRateLimit } from '../api/rate-limit.ts';
import { createReconciler } from '../api/reconciliations/reconciler.ts';
import { createAccepted, recallAccepted } from '../api/redemptions/accepted.ts';
import { createBreaker, type Dependency } from '../api/redemptions/breaker.ts';
import { createDispatcher } from '../api/redemptions/dispatcher.ts';
import { createEndings, type Heard } from '../api/redemptions/endings.ts';
import { createLookups } from '../api/redemptions/lookups.ts';
import { createRedemptions } from '../api/redemptions/redemptions.ts';
import { openAdminClient } from '../domains/gateway/open-admin-client.ts';
import { renewWebhookSecrets } from '../domains/gateway/renew-webhook-secrets.ts';
import type { GiftCodePart } from '../domains/gift-code/operations.ts';
import type { WalletPart } from '../domains/wallet/operations.ts';
import { PORTS } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import { openRedis } from '../platform/redis.ts';
import type { SagaPart } from '../workflows/contracts.ts';
import { openedThings } from './closing.ts';
import { databaseOptions, openGateway } from './databases.ts';
import { lazyConnection } from './gateway-connection.ts';
import type { FromGateway, GatewaySettings, ToGateway } from './gateway-thread.ts';
import { startHttpServer } from './http-server.ts';
import { giftCodePart, walletPart } from './parts.ts';
import { startWebhookConsumer } from './webhook-consumer.ts';
import { startWebhookDeliverer } from './webhook-deliverer.ts';

/** For its webhooks alone. */
const GATEWAY_STEPS = 3;

/** The gateway's thread: HTTP, and webhooks. Its settings came with it; see `startGatewayThread` for what is said meanwhile. */
export async function main(): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('the gateway runs in a thread of the service');
  const post = (message: FromGateway) => port.postMessage(message);
  const { keep, close } = openedThings();
  try {
    post({ is: 'listening', url: await open(workerData) });
  } catch (error) {
    const { name, message, stack } = error as Error;
    post({ is: 'failed', name, message: name === 'ConfigError' ? message : (stack ?? message) });
  }

  async function open({ config, urls, adminKey, redeemOptions }: GatewaySettings): Promise<string> {
    const logger = createLogger(config.logLevel);
    const metrics = createMetrics();
    const endings = createEndings(metrics);
    const startBatch = listen(endings);

    const connections = databaseOptions(config);
    const gateway = keep(await openGateway(urls.gatewayDatabase, { ...connections, steps: GATEWAY_STEPS }));
    const { giftCode, codeKeys } = await giftCodePart(urls.giftCode, config, keep);
    const wallet = await walletPart(urls.wallet, config, keep);
    await renewWebhookSecrets(gateway, codeKeys.seals);
    const adminClientId = await openAdminClient(gateway);
    const givenCodeLengths = keep(await watchGivenCodeLengths(giftCode.readGivenCodeLengths));
    const { namespace } = config.temporal;
    const connection = keep(lazyConnection(urls.temporal, config.temporal));
    const temporal = new Client({ connection, namespace });

    const deliverer = keep(startWebhookDeliverer(gateway, codeKeys.seals, config.webhooks, metrics, logger));
    const consumer = keep(
      startWebhookConsumer({
        gateway,
        natsUrl: urls.nats,
        nats: config.nats,
        keptMs: config.webhooks.keptMs,
        logger,
        onAdded: deliverer.wake,
      }),
    );

    const { statementTimeoutMs } = connections;
    const probePart = (part: SagaPart, { probe, ping }: GiftCodePart | WalletPart) =>
      Promise.all([
        ping(statementTimeoutMs),
        redeemOptions.apart
          ? probeApart(temporal, config.temporal.taskQueue, part, redeemOptions)
          : probe(statementTimeoutMs),
      ]);
    const probes: Record<Dependency, () => Promise<unknown>> = {
      'gift-code': () => probePart('gift-code', giftCode),
      wallet: () => probePart('wallet', wallet),
      temporal: () => temporal.workflowService.getSystemInfo({}),
    };
    const breaker = keep(
      createBreaker(
        (dependency) => probes[dependency](),
        (dependency, isOpen) => logger.warn({ dependency }, isOpen ? 'the breaker opened' : 'the breaker closed'),
      ),
    );
    endings.onHandOver((notice) => {
      logger.warn(
        { step: notice.step, redemptions: notice.redemptionIds.length, error: notice.error },
        'redemptions are stuck',
      );
      if (notice.outage) breaker.open(notice.part);
    });
    const startTarget = { startBatch, client: temporal, address: urls.temporal };
    const dispatcher = createDispatcher(
      startTarget,
      endings,
      { ...config.dispatcher, isApart: redeemOptions.apart },
      metrics,
      () => breaker.open('temporal'),
    );
    const recalled = await recallAccepted(temporal, config.temporal.taskQueue).catch((error) => {
      logger.warn({ error: String(error) }, 'Temporal does not tell what was accepted before');
      return new Map();
    });
    const lookups = createLookups(giftCode, wallet, statementTimeoutMs, dispatcher.isBusy, breaker.open);
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
      temporal,
      callers: createCallers(gateway, adminKey, adminClientId),
      rateLimit: createRateLimit(config.rateLimit, redis),
      guesses,
      cached: createCached(redis),
      reconciler: createReconciler({ gateway, giftCode, wallet }, logger),
      codeKeys,
      givenCodeLengths,
      redemptions: createRedemptions(lookups, dispatcher, createAccepted(redis, recalled), breaker, metrics),
      breaker,
      servers: { nats: urls.nats, redis: urls.redis },
      redeemOptions,
      traceUrl: (workflowId) =>
        webUiUrl && `${webUiUrl.replace(/\/$/, '')}/namespaces/${namespace}/workflows/${workflowId}`,
      wrote: (part) => post({ is: 'wrote', part }),
      webhooksChanged() {
        consumer.wake();
        deliverer.wake();
      },
    });
    return keep(await startHttpServer(app.callback(), config.host, config.port ?? PORTS.gateway)).url;
  }

  /** Hears what the other thread says. @returns how to have it start a batch */
  function listen(heard: Heard): StartBatch {
    const starts = new Map<string, { resolve(isNew: boolean): void; reject(error: Error): void }>();
    port?.on('message', async (message: ToGateway) => {
      switch (message.is) {
        case 'word': {
          const [name, ...values] = message.word;
          return (heard[name] as (...values: unknown[]) => void)(...values);
        }
        case 'batch-started': {
          const start = starts.get(message.workflowId);
          starts.delete(message.workflowId);
          return message.error === undefined ? start?.resolve(message.isNew) : start?.reject(new Error(message.error));
        }
        case 'close':
          await close();
          // Ends this thread alone.
          process.exit();
      }
    });
    return (workflowId, items) =>
      new Promise((resolve, reject) => {
        starts.set(workflowId, { resolve, reject });
        post({ is: 'start-batch', workflowId, items });
      });
  }
}

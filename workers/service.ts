import { createServer, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
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
import * as gatewaySchema from '../domains/gateway/schema.ts';
import { watchGivenCodeLengths } from '../domains/gift-code/given-code-lengths.ts';
import { openCodeKeys } from '../domains/gift-code/open-code-keys.ts';
import { probeGiftCode } from '../domains/gift-code/probe.ts';
import * as giftCodeSchema from '../domains/gift-code/schema.ts';
import { probeWallet } from '../domains/wallet/probe.ts';
import * as walletSchema from '../domains/wallet/schema.ts';
import { type Config, ConfigError } from '../platform/config.ts';
import { migrateDatabase, openDatabase, type Part } from '../platform/database.ts';
import { DatabaseUnavailable } from '../platform/database-errors.ts';
import { newId } from '../platform/ids.ts';
import type { LocalServers } from '../platform/local/index.ts';
import type { Logger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import { problems } from '../platform/problems.ts';
import { openRedis } from '../platform/redis.ts';
import { partTaskQueues, type RedeemOptions } from '../workflows/contracts.ts';
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
/** Longer than load balancers and clients keep an idle connection, so that it is they who close it, never under a request. */
const KEEP_ALIVE_MS = 65_000;
/** Connections that may wait to be accepted: a flash crowd comes at once. */
const BACKLOG = 4_096;

/** Starts gateway, workers and relays in this process, over servers that run. Stops what it started if it cannot. */
export async function startService(
  config: Config,
  urls: LocalServers['urls'],
  adminKey: string,
  logger: Logger,
  workflowBundle: Promise<string>,
): Promise<Service> {
  const opened: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    return { url: await open(), close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }

  async function open(): Promise<string> {
    await Promise.all([
      migrateOrExplain('gateway', urls.gatewayDatabase),
      migrateOrExplain('gift-code', urls.giftCodeDatabase),
      migrateOrExplain('wallet', urls.walletDatabase),
    ]);
    const metrics = createMetrics();
    const statementTimeoutMs = Math.floor(config.steps.timeoutMs * STATEMENT_SHARE);
    const sizes = { steps: config.dispatcher.batchesInFlight + 1, door: 2, reads: 2, statementTimeoutMs };
    const gateway = await openDatabase('gateway', urls.gatewayDatabase, gatewaySchema, { ...sizes, steps: 3 });
    opened.push(gateway.close);
    const giftCode = await openDatabase('gift-code', urls.giftCodeDatabase, giftCodeSchema, sizes);
    opened.push(giftCode.close);
    const wallet = await openDatabase('wallet', urls.walletDatabase, walletSchema, sizes);
    opened.push(wallet.close);
    const codeKeys = await openCodeKeys(giftCode, config.home, config.codeKeys);
    const adminClientId = await openAdminClient(gateway);
    const givenCodeLengths = await watchGivenCodeLengths(giftCode);
    opened.push(givenCodeLengths.close);

    const temporal = await openTemporal(urls.temporal, config.temporal.namespace);
    opened.push(temporal.close);
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
    opened.push(stopWorkers);
    await startSweeping(temporal.client, config);

    const relays = {
      'gift-code': startRelay({
        part: 'gift-code',
        databaseUrl: urls.giftCodeDatabase,
        natsUrl: urls.nats,
        stream: config.natsStream,
        keptMs: config.outboxKeptMs,
        logger,
      }),
      wallet: startRelay({
        part: 'wallet',
        databaseUrl: urls.walletDatabase,
        natsUrl: urls.nats,
        stream: config.natsStream,
        keptMs: config.outboxKeptMs,
        logger,
      }),
    };
    opened.push(() => Promise.all([relays['gift-code'].close(), relays.wallet.close()]));
    progress.onWrite((part) => relays[part].wake());

    const deliverer = startWebhookDeliverer(gateway, codeKeys.seals, config.webhooks, metrics, logger);
    opened.push(deliverer.close);
    const consumer = startWebhookConsumer({
      gateway,
      natsUrl: urls.nats,
      stream: config.natsStream,
      keptMs: config.webhooks.keptMs,
      logger,
      onAdded: deliverer.wake,
    });
    opened.push(consumer.close);

    const probes: Record<Dependency, () => Promise<unknown>> = {
      'gift-code': () => probeGiftCode(giftCode, statementTimeoutMs),
      wallet: () => probeWallet(wallet, statementTimeoutMs),
      temporal: () => temporal.client.workflowService.getSystemInfo({}),
    };
    const breaker = createBreaker(
      (dependency) => probes[dependency](),
      (dependency, isOpen) => logger.warn({ dependency }, isOpen ? 'the breaker opened' : 'the breaker closed'),
    );
    opened.push(breaker.close);
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
    opened.push(() => redis?.disconnect());
    const guesses = createGuesses(config.guesses, redis, metrics);
    opened.push(guesses.close);
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
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, app.callback());
    server.on('clientError', answerBadHttp);
    opened.push(() => closeServer(server));
    const port = await listen(server, config.host, config.port);
    return `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
  }
}

/** @throws ConfigError that names the variable, where the database cannot be used */
async function migrateOrExplain(part: Part, url: string): Promise<void> {
  try {
    await migrateDatabase(part, url);
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    const variable = `${part.replace('-', '_').toUpperCase()}_DATABASE_URL`;
    throw new ConfigError(
      `${part}: ${error.message}. Check that the server runs and that ${variable} is right, or unset it.`,
    );
  }
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `port ${port} is in use by another process: set PORT to a free one, or stop that process`;
      const refused = `cannot listen on ${host}:${port} (${error.code}): set PORT and VOUCHSAFE_HOST to an address of this machine`;
      reject(new ConfigError(error.code === 'EADDRINUSE' ? taken : refused));
    });
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Lets requests that are under way end; connections that idle are closed. */
async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await closed;
}

/** What cannot be read as HTTP gets a problem, too; then the connection is closed. */
function answerBadHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const code = error.code === 'HPE_HEADER_OVERFLOW' ? 'payload-too-large' : 'invalid-request';
  const [status, title] = problems[code];
  const body = JSON.stringify({ type: `/errors/${code}`, title, status, code });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nRequest-Id: ${newId()}\r\nConnection: close\r\n\r\n${body}`,
  );
}

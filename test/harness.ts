import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { connect, consumerOpts, StringCodec } from 'nats';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import { readConfig } from '../platform/config.ts';
import { reversalTransferId } from '../platform/ids.ts';
import {
  createPart,
  type LocalServers,
  type NatsServer,
  type RedisServer,
  startNats,
  startRedis,
} from '../platform/local/index.ts';
import { createLogger } from '../platform/logger.ts';
import type { CloudEvent } from '../platform/outbox.ts';
import { startService } from '../workers/service.ts';
import { installRuntime } from '../workers/temporal.ts';
import { assertDocumented } from './documented.ts';

export const ADMIN_KEY = 'test-admin-key-0123456789';

/** Databases, streams and task queues that no other test uses, on servers that all share. */
export interface TestWorld {
  home: string;
  urls: LocalServers['urls'];
  /** A superuser's URL of the shared Postgres server. */
  postgresUrl: string;
  nats: NatsServer;
  /** Unique, so that worlds do not meet on the shared Temporal server. */
  taskQueue: string;
  /** Connections of each part's own role. */
  giftCode: pg.Pool;
  wallet: pg.Pool;
  gateway: pg.Pool;
  temporal: Client;
  /** What the environment of a process in this world is, for processes of its own. */
  environment: Record<string, string>;
  /** All events in the stream so far, in its order. */
  events(): Promise<CloudEvent[]>;
  close(): Promise<void>;
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  body: any;
}

export interface TestService {
  url: string;
  /**
   * Sends a request with the admin key, unless `headers` have another. A redemption or a reversal is waited for, however slow
   * the machine is, unless `headers` say how long.
   */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  close(): Promise<void>;
}

/** What a file of tests has open for all of them: closed after the last one, before what it opened earlier. */
export async function forFile<T extends { close(): unknown }>(opening: Promise<T>): Promise<T> {
  const opened = await opening;
  afterAll(async () => {
    await opened.close();
  });
  return opened;
}

export async function createWorld(): Promise<TestWorld> {
  const servers = inject('servers');
  const name = `t${randomBytes(6).toString('hex')}`;
  const home = await mkdtemp(join(tmpdir(), `vouchsafe-${name}-`));
  const part = (which: 'gift_code' | 'wallet' | 'gateway') =>
    createPart(servers.postgresUrl, which, { databaseName: `${name}_${which}`, roleName: `${name}_${which}` });
  const nats = await startNats({ directory: join(home, 'nats') });
  const urls: LocalServers['urls'] = {
    giftCodeDatabase: await part('gift_code'),
    walletDatabase: await part('wallet'),
    gatewayDatabase: await part('gateway'),
    redis: null,
    nats: nats.url,
    temporal: servers.temporalAddress,
    temporalWebUi: servers.temporalWebUi,
  };
  const giftCode = poolOf(urls.giftCodeDatabase);
  const wallet = poolOf(urls.walletDatabase);
  const gateway = poolOf(urls.gatewayDatabase);
  const connection = await Connection.connect({ address: urls.temporal });
  const world: TestWorld = {
    home,
    urls,
    postgresUrl: servers.postgresUrl,
    nats,
    taskQueue: name,
    giftCode,
    wallet,
    gateway,
    temporal: new Client({ connection }),
    environment: {
      VOUCHSAFE_HOME: home,
      VOUCHSAFE_ADMIN_KEY: ADMIN_KEY,
      PORT: '0',
      GIFT_CODE_DATABASE_URL: urls.giftCodeDatabase,
      WALLET_DATABASE_URL: urls.walletDatabase,
      GATEWAY_DATABASE_URL: urls.gatewayDatabase,
      NATS_URL: urls.nats,
      TEMPORAL_ADDRESS: urls.temporal,
      TEMPORAL_TASK_QUEUE: name,
      VOUCHSAFE_WEB_UI_URL: servers.temporalWebUi,
      // There is no Redis: it only ever helps.
      REDIS_URL: 'redis://127.0.0.1:1',
      // Tests send wrong codes by the hundred from one address; those about guessing set limits of their own.
      VOUCHSAFE_WRONG_CODES_PER_PHONE: '1000000',
      VOUCHSAFE_WRONG_CODES_PER_ADDRESS: '1000000',
      VOUCHSAFE_WRONG_CODES_PER_KEY: '1000000',
      VOUCHSAFE_CODE_KEYS: JSON.stringify({ peppers: [newKey()], seals: [newKey()] }),
      VOUCHSAFE_LOG_LEVEL: 'error',
    },
    events: () => readEvents(world.nats.url),
    async close() {
      await Promise.all([giftCode.end(), wallet.end(), gateway.end(), connection.close(), world.nats.stop()]);
      await rm(home, { recursive: true, force: true });
    },
  };
  return world;
}

/** Starts the whole service in this process. */
export async function startIn(world: TestWorld, settings: Record<string, string> = {}): Promise<TestService> {
  const config = readConfig({ ...world.environment, ...settings });
  const logger = createLogger(config.logLevel);
  installRuntimeOnce(logger);
  const code = await readFile(inject('servers').workflowBundle, 'utf8');
  const service = await startService(config, world.urls, ADMIN_KEY, logger, Promise.resolve(code));
  return { url: service.url, call: caller(service.url), close: service.close };
}

const WAITED_FOR = /^\/v1\/redemptions(\/[^/]+\/reverse)?$/;

export function caller(url: string): TestService['call'] {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        Authorization: `Bearer ${ADMIN_KEY}`,
        ...(method === 'POST' && WAITED_FOR.test(path) && { Prefer: 'wait=30' }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const { status, headers: got } = response;
    const type = got.get('Content-Type');
    const parsed = text === '' ? undefined : type?.includes('json') ? JSON.parse(text) : text;
    assertDocumented(method, url + path, status, got, parsed);
    return { status, headers: got, body: parsed };
  };
}

/** Starts a Redis of the world's own. */
export async function startRedisIn(world: TestWorld, port?: number): Promise<RedisServer> {
  const redis = await startRedis({ directory: join(world.home, 'redis'), ...(port !== undefined && { port }) });
  if (!redis) throw new Error('these tests need redis-server on PATH');
  return redis;
}

/** Whether new redemptions are turned away because of that. */
export const isBreakerOpen = async (service: TestService, dependency: string): Promise<boolean> =>
  String((await service.call('GET', '/metrics')).body).includes(`vouchsafe_breaker_open{dependency="${dependency}"} 1`);

/** Makes a group and answers the text of its codes. */
export async function makeCodes(
  service: TestService,
  count: number,
  group: Record<string, unknown> = {},
): Promise<string[]> {
  const answer = await service.call('POST', '/v1/code-groups', {
    name: 'Test',
    amount: { value: 1000, currency: 'USD' },
    count,
    ...group,
  });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body.codes.map(({ code }: { code: string }) => code);
}

/** Makes one code that may be redeemed `maxRedemptions` times. */
export async function makeCoupon(
  service: TestService,
  maxRedemptions: number,
  group: Record<string, unknown> = {},
): Promise<string> {
  const code = `C${randomBytes(5).toString('hex').toUpperCase()}`;
  await makeCodes(service, 1, { count: undefined, codes: [{ code, max_redemptions: maxRedemptions }], ...group });
  return code;
}

const newKey = () => ({ id: 1, key: randomBytes(32).toString('base64') });

let nextPhone = 0;
/** A phone that no other call has given. */
export const newPhone = (): string => `+98912${String(1_000_000 + nextPhone++).slice(-7)}`;

/**
 * The one check that every test of concurrency ends in: both databases tell the same story, and each adds up.
 * Redemptions that are completed have their transfers and the others have none; counters, balances and outboxes agree
 * with the rows they sum up.
 */
export async function assertCoherent(world: Pick<TestWorld, 'giftCode' | 'wallet'>): Promise<void> {
  const faults: string[] = [];
  const none = async (pool: pg.Pool, what: string, text: string) => {
    const { rows } = await pool.query(text);
    if (rows.length > 0) faults.push(`${what}: ${JSON.stringify(rows.slice(0, 3))}`);
  };
  await none(
    world.giftCode,
    'counters of codes differ from their redemptions',
    `select c.id, c.reserved, c.redeemed from codes c left join redemptions r on r.code_id = c.id group by c.id
     having c.reserved <> count(*) filter (where r.state = 'reserved') or c.redeemed <> count(*) filter (where r.state = 'completed' or r.place_kept)`,
  );
  await none(
    world.giftCode,
    'uses of wallets differ from their redemptions',
    `select u.group_id, u.wallet_id, u.uses from wallet_uses u
     join code_groups g on g.id = u.group_id and g.per_wallet_limit is not null and g.limit_period = u.limit_period
     left join redemptions r
       on r.group_id = u.group_id and r.wallet_id = u.wallet_id and r.state in ('reserved', 'completed')
     group by 1, 2, 3 having u.uses <> count(r.id)`,
  );
  await none(
    world.giftCode,
    'use numbers are not 1 to n',
    `select code_id from redemptions where state in ('completed', 'reversed') group by code_id
     having bool_and(state = 'completed') and (max(use_number) <> count(*) or count(distinct use_number) <> count(*))`,
  );
  await none(
    world.wallet,
    'balances differ from transfers',
    `select w.id, w.balance from wallets w left join transfers t on t.wallet_id = w.id and t.kind <> 'void' group by w.id
     having w.balance <> coalesce(sum(case when t.credit_account = w.id then t.amount else -t.amount end), 0)`,
  );
  await none(
    world.wallet,
    'events of a wallet are not its versions',
    `select w.id from wallets w join outbox o on o.aggregate_id = w.id group by w.id
     having count(*) <> w.version or count(distinct o.aggregate_version) <> w.version or max(o.aggregate_version) <> w.version`,
  );
  const redemptions = await world.giftCode.query('select id, state, amount from redemptions');
  const transfers = await world.wallet.query(
    `select id, kind, amount from transfers where kind in ('redemption', 'void')`,
  );
  const decided = new Map(transfers.rows.map((row) => [row.id, row]));
  for (const { id, state, amount } of redemptions.rows) {
    const decision = decided.get(id);
    if (
      (state === 'completed' || state === 'reversed') &&
      (decision?.kind !== 'redemption' || decision.amount !== amount)
    )
      faults.push(`${id} is completed without its transfer`);
    if (state === 'released' && decision?.kind !== 'void') faults.push(`${id} is released without a void`);
    // An abort may void what is refused at the same time.
    if (state === 'refused' && decision?.kind === 'redemption') faults.push(`${id} is refused, but credited`);
    decided.delete(id);
  }
  const reversals = await world.wallet.query(`select id, amount from transfers where kind = 'reversal'`);
  const debited = new Map(reversals.rows.map((row) => [row.id, row.amount]));
  for (const { id, state, amount } of redemptions.rows) {
    const debit = debited.get(reversalTransferId(id));
    if (state === 'reversed' ? debit !== amount : debit !== undefined)
      faults.push(`${id} is ${state}, its reversal not`);
    debited.delete(reversalTransferId(id));
  }
  for (const id of debited.keys()) faults.push(`reversal ${id} has no redemption`);
  for (const { id, kind } of decided.values()) if (kind !== 'void') faults.push(`transfer ${id} has no redemption`);
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/** Waits for a state; the test's own time-out is the limit. */
export async function until<T>(read: () => Promise<T | undefined | false | null>, everyMs = 50): Promise<T> {
  for (;;) {
    const value = await read();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export async function readEvents(natsUrl: string): Promise<CloudEvent[]> {
  const connection = await connect({ servers: natsUrl });
  try {
    const manager = await connection.jetstreamManager();
    const { state } = await manager.streams.info('VOUCHSAFE').catch(() => ({ state: { messages: 0 } }));
    if (state.messages === 0) return [];
    const subscription = await connection.jetstream().subscribe('vouchsafe.>', consumerOpts().orderedConsumer());
    const events: CloudEvent[] = [];
    for await (const message of subscription) {
      events.push(JSON.parse(StringCodec().decode(message.data)));
      if (message.info.pending === 0) break;
    }
    return events;
  } finally {
    await connection.close();
  }
}

export function poolOf(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  return pool;
}

let isInstalled = false;
function installRuntimeOnce(logger: ReturnType<typeof createLogger>): void {
  if (!isInstalled) installRuntime(logger);
  isInstalled = true;
}

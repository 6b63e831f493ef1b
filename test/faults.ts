import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { TestWorld } from './harness.ts';
import { until } from './harness.ts';

/**
 * Makes a part's database unreachable, as if its server were gone, for everybody but a superuser, until the end of the test at
 * the latest. @returns how to heal it earlier
 */
export async function breakDatabase(
  world: TestWorld,
  part: 'gift_code' | 'wallet' | 'gateway',
): Promise<() => Promise<void>> {
  const { walletDatabase: wallet, giftCodeDatabase: gift_code, gatewayDatabase: gateway } = world.urls;
  const url = { wallet, gift_code, gateway }[part];
  const database = new URL(url).pathname.slice(1);
  const superuser = new pg.Client({ connectionString: world.postgresUrl });
  await superuser.connect();
  await superuser.query(`alter database ${database} with allow_connections false`);
  // Again, until nobody is there: one who was let in just before may not be seen yet.
  const terminate = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1';
  await until(async () => (await superuser.query(terminate, [database])).rowCount === 0);
  let isBroken = true;
  const heal = async () => {
    if (!isBroken) return;
    isBroken = false;
    await superuser.query(`alter database ${database} with allow_connections true`);
    await superuser.end();
  };
  onTestFinished(heal);
  return heal;
}

export interface Forwarder {
  /** Where the server is reached through it. */
  url: string;
  /** Ends all connections without a word, as a server that crashes. */
  cut(): void;
  /** And nobody listens any more, until `open`. */
  close(): Promise<void>;
  /** Nothing comes through any more, though connections stay, as with a server that is stopped. */
  freeze(): void;
  open(): Promise<void>;
}

/** A way to a server that can be cut. */
export async function openForwarder(serverUrl: string): Promise<Forwarder> {
  const url = new URL(serverUrl);
  const { hostname, port } = url;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    }
    near.pipe(far).pipe(near);
  });
  const listen = async (at: number) => {
    await once(server.listen(at, '127.0.0.1'), 'listening');
    url.port = String((server.address() as AddressInfo).port);
  };
  await listen(0);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    cut,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    open: () => listen(Number(url.port)),
    async close() {
      if (!server.listening) return;
      cut();
      await once(server.close(), 'close');
    },
  };
}

/** Locks rows, so that whoever wants them waits. @returns how to let go */
export const lockRows = (url: string, table: 'codes' | 'wallets', id: string): Promise<() => Promise<void>> =>
  holding(url, `select from ${table} where id = '${id}' for update`);

/** Locks a table against changes, so that whoever wants to make one waits. @returns how to let go */
export const lockTable = (url: string, table: string): Promise<() => Promise<void>> =>
  holding(url, `lock table ${table} in exclusive mode`);

/** Stops whoever updates such rows of a table, in the middle of the statement. @param when of the row as it is to be, `new` @returns how to let go */
export async function holdUpdates(
  { pool, url }: { pool: pg.Pool; url: string },
  table: string,
  when: string,
): Promise<() => Promise<void>> {
  const letGo = await holding(url, 'select pg_advisory_xact_lock(1)');
  await pool.query(`
    create function held() returns trigger language plpgsql as
      'begin perform pg_advisory_xact_lock_shared(1); return new; end';
    create trigger held before update on ${table} for each row when (${when}) execute function held()`);
  return async () => {
    await letGo();
    await pool.query('drop function held() cascade');
  };
}

async function holding(url: string, statement: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url, application_name: 'test lock' });
  await client.connect();
  await client.query('begin');
  await client.query(statement);
  return () => client.end();
}

/** Waits until nobody waits for a lock in a part's database any more, for a step: its attempts are over. */
export async function nobodyWaits(pool: pg.Pool, step: string): Promise<void> {
  await until(async () => !(await isWaitedFor(pool, step)));
}

/** Waits until somebody waits for a lock in a part's database. */
export async function someoneWaits(pool: pg.Pool, step: string): Promise<void> {
  await until(() => isWaitedFor(pool, step));
}

async function isWaitedFor(pool: pg.Pool, step: string): Promise<boolean> {
  const { rows } = await pool.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like $1`,
    [`%${step}%`],
  );
  return rows.length > 0;
}

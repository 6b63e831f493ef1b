import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DrizzleQueryError } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { ContentionError, DatabaseUnavailable, databaseError, OtherDatabase } from './database-errors.ts';

export type Part = 'gateway' | 'gift-code' | 'wallet';

/**
 * One part's database. Each kind of work has connections of its own, so that none waits behind another's: `steps` for
 * the saga's activities and the gateway's webhooks, `door` for what a request needs before it is accepted, `bulk` for
 * making many codes, `reads` for all else, what changes little at a time included. The relay opens its own.
 */
export interface Database<Schema extends Record<string, unknown>> {
  part: Part;
  url: string;
  steps: pg.Pool;
  door: pg.Pool;
  bulk: pg.Pool;
  reads: pg.Pool;
  /** Drizzle over `reads`. Throws DrizzleQueryError, which `operationError` sorts. */
  orm: NodePgDatabase<Schema>;
  /** The server's clock, in milliseconds, as last compared with ours. */
  nowMs(): number;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  steps: number;
  door: number;
  reads: number;
  /** Longest that a statement may run, in milliseconds; statements of the saga's steps get it as their limit. */
  statementTimeoutMs: number;
}

/** Statements end before the attempt at a step that runs them does. */
export const STATEMENT_SHARE = 0.8;

const CLOCK_COMPARED_EVERY_MS = 60_000;
/** What was answered later tells little of the other clock: nobody knows what took the time. */
const COMPARED_WITHIN_MS = 1_000;
const CONTENTION_ATTEMPTS = 10;
const CONNECTION_LIFETIME_S = 300;
const CONNECT_MS = 5_000;
/** So much later than the server is to give a statement up, it is given up here. */
export const ANSWER_GRACE_MS = 1_000;
/** One for a generation, one for an import. */
const BULK_CONNECTIONS = 2;
const repository = fileURLToPath(new URL('..', import.meta.url));

/** Opens a part's database. @throws DatabaseUnavailable when it cannot be reached */
export async function openDatabase<Schema extends Record<string, unknown>>(
  part: Part,
  url: string,
  schema: Schema,
  options: DatabaseOptions,
): Promise<Database<Schema>> {
  const pool = (kind: string, max: number, timeoutMs: number) =>
    createPool(url, `vouchsafe ${part} ${kind}`, max, timeoutMs);
  const steps = pool('steps', options.steps, options.statementTimeoutMs);
  const door = pool('door', options.door, options.statementTimeoutMs);
  const longTimeoutMs = Math.max(options.statementTimeoutMs, 30_000);
  const bulk = pool('bulk', BULK_CONNECTIONS, longTimeoutMs);
  const reads = pool('reads', options.reads, longTimeoutMs);
  const pools = [steps, door, bulk, reads];

  let aheadMs: number | undefined;
  const compareClocks = async () => {
    const before = Date.now();
    const { rows } = await query<{ now: Date }>(reads, { text: 'select clock_timestamp() as now' }, 10_000);
    const after = Date.now();
    if (aheadMs !== undefined && after - before > COMPARED_WITHIN_MS) return;
    if (rows[0]) aheadMs = rows[0].now.getTime() - (before + after) / 2;
  };
  const timer = setInterval(() => compareClocks().catch(() => undefined), CLOCK_COMPARED_EVERY_MS).unref();
  try {
    await compareClocks();
  } catch (error) {
    clearInterval(timer);
    await Promise.all(pools.map((p) => p.end()));
    throw error;
  }

  return {
    part,
    url,
    steps,
    door,
    bulk,
    reads,
    orm: drizzle(reads, { schema, casing: 'snake_case' }),
    nowMs: () => Date.now() + (aheadMs ?? 0),
    async close() {
      clearInterval(timer);
      await Promise.all(pools.map((p) => p.end()));
    },
  };
}

function createPool(url: string, name: string, max: number, statementTimeoutMs: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: name,
    statement_timeout: statementTimeoutMs,
    // A server that is stopped, or cut off, keeps no time.
    query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
    connectionTimeoutMillis: Math.min(statementTimeoutMs, CONNECT_MS),
    idleTimeoutMillis: 0,
    // None keeps its plans for good, made while a table was empty, say. The first calls of a new one take longer, so that
    // the connections of all pools, opened at the same time, are not replaced at the same time as well.
    maxLifetimeSeconds: CONNECTION_LIFETIME_S * (1 + Math.random()),
    keepAlive: true,
    types: { getTypeParser },
  });
  // A connection that breaks is replaced when the next one is needed, and a statement that it ran fails. It also tells of it
  // as an event, idle or not, which without a listener would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** As the driver does, but bigint is BigInt, not text. */
const getTypeParser = ((oid: number, format: 'text') =>
  oid === pg.types.builtins.INT8 ? BigInt : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser;

/**
 * Runs one statement. A statement that has not answered after `timeoutMs` is given up and its connection destroyed, so
 * that nobody reads a late answer; whether it took effect is for its repetition to find out.
 * @throws DatabaseUnavailable, ContentionError, DataError, or the driver's error
 */
export async function query<Row extends object>(
  pool: pg.Pool,
  statement: pg.QueryConfig,
  timeoutMs: number,
): Promise<{ rows: Row[]; rowCount: number | null }> {
  const client = await connect(pool);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DatabaseUnavailable(`gave no answer in ${timeoutMs} ms`, true)), timeoutMs);
  });
  try {
    const result = await Promise.race([client.query(statement), late]);
    client.release();
    return result;
  } catch (thrown) {
    const error = databaseError(thrown);
    client.release(error instanceof DatabaseUnavailable);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What runs in a transaction of Drizzle. */
type Transaction = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];

/**
 * Does all of `work`, or nothing of it. @throws DatabaseUnavailable where there is no connection, else what `work` throws:
 * Drizzle's error, for `databaseError` to sort
 */
export async function inTransaction<T>(pool: pg.Pool, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  const client = await connect(pool);
  let silence: unknown;
  let isBroken = false;
  try {
    return await drizzle(client, { casing: 'snake_case' }).transaction(async (transaction) => {
      try {
        return await work(transaction);
      } catch (error) {
        if (unavailability(error)?.mayHaveHappened) {
          silence = error;
          // Drizzle rolls back, for whose answer it would wait as long again.
          client.release(true);
        }
        throw error;
      }
    });
  } catch (error) {
    isBroken = unavailability(error) !== undefined;
    throw silence ?? error;
  } finally {
    if (silence === undefined) client.release(isBroken);
  }
}

/** What Drizzle threw, where the database did not do it, or did not answer. */
function unavailability(thrown: unknown): DatabaseUnavailable | undefined {
  const error = thrown instanceof DrizzleQueryError ? databaseError(thrown) : undefined;
  return error instanceof DatabaseUnavailable ? error : undefined;
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    // The driver says the same of both.
    const isBusy = pool.totalCount === pool.options.max && pool.idleCount === 0;
    throw new DatabaseUnavailable(isBusy ? 'is busy with other requests' : 'cannot be reached', false, error);
  }
}

/**
 * What a database holds, as a version: two equal ones are of the very same committed content. Taken before reading, it can
 * only be older than what is read. Any transaction that writes on the server makes a new one.
 */
export async function contentVersion(pool: pg.Pool, timeoutMs: number): Promise<string> {
  const text = "select extract(epoch from pg_postmaster_start_time()) || '-' || pg_current_snapshot() as version";
  const { rows } = await query<{ version: string }>(pool, { name: 'content version', text }, timeoutMs);
  if (!rows[0]) throw new Error('a query without a table answered no row');
  return rows[0].version;
}

/** A list whose elements need no quotes, as Postgres writes it: the driver would look at each of their characters. */
export const plainList = (list: unknown[]): string => `{${list.map((element) => element ?? 'NULL').join()}}`;
/** Lists of these need none ever. */
const PLAIN_LISTS = new Set(['uuid[]', 'bigint[]', 'integer[]']);

/** An SQL function: its name and the types of its arguments, as Postgres writes them. */
export interface SqlFunction {
  name: string;
  types: readonly string[];
}

/**
 * Calls a function that returns rows. A deadlock or a failed serialization has changed nothing and is tried again at
 * once. @throws as `query`
 */
export async function callFunction<Row extends object>(
  pool: pg.Pool,
  fn: SqlFunction,
  values: unknown[],
  timeoutMs: number,
): Promise<Row[]> {
  const parameters = fn.types.map((type, index) => `$${index + 1}::${type}`).join(', ');
  const statement = {
    name: fn.name,
    text: `select * from ${fn.name}(${parameters})`,
    values: values.map((value, index) =>
      Array.isArray(value) && PLAIN_LISTS.has(fn.types[index] ?? '') ? plainList(value) : value,
    ),
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return (await query<Row>(pool, statement, timeoutMs)).rows;
    } catch (error) {
      if (!(error instanceof ContentionError) || attempt === CONTENTION_ATTEMPTS) throw error;
    }
  }
}

/**
 * Brings a part's database up to date: first drizzle-kit's migrations, each once and in order, then the functions in
 * `domains/<part>/sql`, each whenever its text has changed. Several processes may do so at once; one at a time does.
 */
export async function migrateDatabase(part: Part, url: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `vouchsafe ${part} migration`,
    connectionTimeoutMillis: CONNECT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw new DatabaseUnavailable('cannot be reached', false, error);
  }
  try {
    await client.query("select pg_advisory_lock(hashtextextended('vouchsafe migration', 0))");
    await assertOwn(client, part);
    await migrate(drizzle(client), { migrationsFolder: migrationsFolder(part) });
    await installFunctions(client, await readFunctionFiles(part));
  } finally {
    await client.end();
  }
}

/** A table that no other part has. */
const MARKS: Record<Part, string> = { gateway: 'api_keys', 'gift-code': 'code_groups', wallet: 'wallets' };

/** @throws OtherDatabase */
async function assertOwn(client: pg.Client, part: Part): Promise<void> {
  for (const [other, table] of Object.entries(MARKS)) {
    if (other === part) continue;
    const { rows } = await client.query<{ is: boolean }>('select to_regclass($1) is not null as is', [table]);
    if (rows[0]?.is) throw new OtherDatabase(other);
  }
}

export const migrationsFolder = (part: Part): string => `${repository}drizzle/${part}`;

interface FunctionFile {
  file: string;
  text: string;
  sha256: string;
}

/** The files of a part's SQL functions, as this version brings them. */
export async function readFunctionFiles(part: Part): Promise<FunctionFile[]> {
  const folder = `${repository}domains/${part}/sql/`;
  if (!existsSync(folder)) return [];
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return await Promise.all(
    files.map(async (file) => {
      const text = await readFile(folder + file, 'utf8');
      return { file, text, sha256: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

async function installFunctions(client: pg.Client, files: FunctionFile[]): Promise<void> {
  if (files.length === 0) return;
  await client.query('create table if not exists installed_functions (file text primary key, sha256 text not null)');
  const { rows } = await client.query<{ file: string; sha256: string }>('select file, sha256 from installed_functions');
  const installed = new Map(rows.map((row) => [row.file, row.sha256]));
  // Functions may call one another, so that a body is checked when it first runs, not here.
  await client.query('set check_function_bodies = off');
  // And together, so that a process of the version before never meets one without those that it calls.
  await client.query('begin');
  for (const { file, text, sha256 } of files) {
    if (installed.get(file) === sha256) continue;
    await client.query(text);
    await client.query(
      'insert into installed_functions values ($1, $2) on conflict (file) do update set sha256 = excluded.sha256',
      [file, sha256],
    );
  }
  await client.query('commit');
}

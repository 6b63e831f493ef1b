import { randomBytes, randomUUID } from 'node:crypto';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { inject } from 'vitest';
import { confirm } from '../domains/gift-code/confirm.ts';
import { createCodeGroup, type NewCodeGroup } from '../domains/gift-code/create-code-group.ts';
import type { GiftCodeDatabase } from '../domains/gift-code/database.ts';
import { release } from '../domains/gift-code/release.ts';
import { type ReserveItem, reserve } from '../domains/gift-code/reserve.ts';
import * as giftCodeSchema from '../domains/gift-code/schema.ts';
import { credit } from '../domains/wallet/credit.ts';
import type { WalletDatabase } from '../domains/wallet/database.ts';
import { ensureWallets } from '../domains/wallet/ensure-wallets.ts';
import * as walletSchema from '../domains/wallet/schema.ts';
import type { SettlementRow } from '../domains/wallet/settlement.ts';
import { voidCredit } from '../domains/wallet/void.ts';
import type { CodeKeys } from '../platform/code-keys.ts';
import { type Database, migrateDatabase, openDatabase } from '../platform/database.ts';
import { DatabaseUnavailable } from '../platform/database-errors.ts';
import { newId } from '../platform/ids.ts';
import { createPart } from '../platform/local/index.ts';
import { newPhone, type TestWorld, until } from './harness.ts';

/** Longest that a call in these tests may take: none of them waits for it. */
export const TIMEOUT_MS = 60_000;
export const CLIENT_ID = '0198c0de-0000-7000-8000-000000000001';
/** A call that waits for a lock which is not freed in time is given up after this. */
const GIVEN_UP_AFTER_MS = 200;
const SIZES = { steps: 8, door: 4, reads: 4, statementTimeoutMs: TIMEOUT_MS };

/** The two domains on databases that no other test uses, without the service around them. */
export interface TestDatabases extends Pick<TestWorld, 'giftCode' | 'wallet'> {
  giftCodeDb: GiftCodeDatabase;
  walletDb: WalletDatabase;
  keys: CodeKeys;
  close(): Promise<void>;
}

export async function createDatabases(): Promise<TestDatabases> {
  const name = `d${randomBytes(6).toString('hex')}`;
  const part = (which: 'gift_code' | 'wallet') =>
    createPart(inject('servers').postgresUrl, which, {
      databaseName: `${name}_${which}`,
      roleName: `${name}_${which}`,
    });
  const giftCodeUrl = await part('gift_code');
  const walletUrl = await part('wallet');
  await Promise.all([migrateDatabase('gift-code', giftCodeUrl), migrateDatabase('wallet', walletUrl)]);
  const giftCodeDb = await openDatabase('gift-code', giftCodeUrl, giftCodeSchema, SIZES);
  const walletDb = await openDatabase('wallet', walletUrl, walletSchema, SIZES);
  const giftCode = new pg.Pool({ connectionString: giftCodeUrl, max: 4 });
  const wallet = new pg.Pool({ connectionString: walletUrl, max: 4 });
  return {
    giftCodeDb,
    walletDb,
    giftCode,
    wallet,
    keys: { peppers: [{ id: 1, key: randomBytes(32) }], seals: [{ id: 1, key: randomBytes(32) }] },
    async close() {
      await Promise.all([giftCodeDb.close(), walletDb.close(), giftCode.end(), wallet.end()]);
    },
  };
}

/** A group to be made, with two codes of ours. */
export const newGroup = (more: Partial<NewCodeGroup> = {}): NewCodeGroup => ({
  id: newId(),
  clientId: CLIENT_ID,
  name: 'Eid',
  amount: 1000n,
  currency: 'USD',
  prefix: null,
  startsAt: null,
  endsAt: null,
  perWalletLimit: null,
  budget: null,
  metadata: {},
  requestHash: Buffer.alloc(32, 1),
  codes: 2,
  ...more,
});

/** Makes a group with one given code per entry of `places`, each of which may be redeemed that often. */
export async function makeGroup(
  databases: TestDatabases,
  places: number[] = [1],
  more: Partial<NewCodeGroup> = {},
): Promise<{ groupId: string; codeIds: string[] }> {
  const codes = places.map((maxRedemptions) => ({
    text: `T${randomBytes(8).toString('hex').toUpperCase()}`,
    maxRedemptions,
  }));
  const group = newGroup({ codes, ...more });
  const created = await createCodeGroup(databases.giftCodeDb, databases.keys, group);
  if (!created.ok) throw new Error(created.reason);
  return { groupId: group.id, codeIds: created.codes.map(({ id }) => id) };
}

/** Makes a code that may be redeemed `places` times. */
export async function makeCode(
  databases: TestDatabases,
  places = 1,
  group: Partial<NewCodeGroup> = {},
): Promise<{ groupId: string; codeId: string }> {
  const { groupId, codeIds } = await makeGroup(databases, [places], group);
  return { groupId, codeId: at(codeIds, 0) };
}

export async function makeWallets(databases: TestDatabases, count: number, currency = 'USD'): Promise<string[]> {
  const keys = Array.from({ length: count }, () => ({ phone: newPhone(), currency }));
  return (await ensureWallets(databases.walletDb, keys, TIMEOUT_MS)).map(({ id }) => id);
}

export async function makeWallet(databases: TestDatabases, currency = 'USD'): Promise<string> {
  return at(await makeWallets(databases, 1, currency), 0);
}

/** A redemption to be reserved: by a wallet that nobody else has, if none is given. */
export function redemptionOf(codeId: string, more: Partial<ReserveItem> = {}): ReserveItem {
  return { redemptionId: newId(), codeId, walletId: randomUUID(), clientId: CLIENT_ID, at: Date.now(), ...more };
}

/** An element that must be there. */
export function at<T>(list: T[], index: number): T {
  const element = list.at(index);
  if (element === undefined) throw new Error(`there is no element ${index}`);
  return element;
}

/**
 * A database whose calls all go through one connection with an open transaction: what they did is held back, and what
 * they locked stays locked, until `commit`, `rollback` or `crash`.
 */
export async function openTransaction<Schema extends Record<string, unknown>>(
  db: Database<Schema>,
): Promise<{ db: Database<Schema>; commit(): Promise<void>; rollback(): Promise<void> }> {
  const own = await openDatabase(db.part, db.url, {} as Schema, { ...SIZES, steps: 1, door: 1, reads: 1 });
  await own.steps.query('begin');
  const end = async (how: 'commit' | 'rollback') => {
    await own.steps.query(how);
    await own.close();
  };
  return {
    db: { ...own, door: own.steps, reads: own.steps, orm: drizzle(own.steps, { casing: 'snake_case' }) },
    commit: () => end('commit'),
    rollback: () => end('rollback'),
  };
}

/** A transaction on a connection of its own, in which `sql` was run: it holds the locks that `sql` took. */
export async function hold(
  db: Pick<GiftCodeDatabase | WalletDatabase, 'url'>,
  sql: string,
  values: unknown[] = [],
): Promise<{ free(): Promise<void> }> {
  const client = new pg.Client({ connectionString: db.url });
  await client.connect();
  await client.query('begin');
  await client.query(sql, values);
  return {
    async free() {
      await client.query('commit');
      await client.end();
    },
  };
}

/** Waits until that many sessions of the pool's database wait for a lock. */
export async function untilWaiting(pool: pg.Pool, sessions = 1): Promise<void> {
  await until(async () => {
    const { rows } = await pool.query(
      `select count(*)::int as waiting from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and state = 'active'`,
    );
    return rows[0].waiting === sessions;
  }, 10);
}

/**
 * Makes a call that gives up while its statement waits for a lock: the attempt times out, its connection is destroyed,
 * and the statement is left behind on the server, to go on when the lock is free.
 */
export async function giveUp<Schema extends Record<string, unknown>>(
  db: Database<Schema>,
  call: (db: Database<Schema>, timeoutMs: number) => Promise<unknown>,
): Promise<void> {
  // Its deadline is far, so that it begins however slow the server is.
  const outcome = await call({ ...db, nowMs: () => db.nowMs() + TIMEOUT_MS }, GIVEN_UP_AFTER_MS).catch(
    (error: unknown) => error,
  );
  if (!(outcome instanceof DatabaseUnavailable)) throw new Error('the call was to give up');
}

/** Takes the redemptions all the way, as their workflow does: reserve, credit, and confirm or release. */
export async function runSaga(databases: TestDatabases, items: ReserveItem[], workflowId: string): Promise<void> {
  const verdicts = await reserve(databases.giftCodeDb, items, workflowId, TIMEOUT_MS);
  const orders = items.flatMap((item, index) => {
    const { state, amount, currency } = at(verdicts, index);
    return (state === 'reserved' || state === 'completed') && amount !== null && currency !== null
      ? [{ ...item, amount, currency }]
      : [];
  });
  await settle(databases, items, await credit(databases.walletDb, orders, TIMEOUT_MS), workflowId);
}

/** Undoes the redemptions, as an aborted workflow does: void, then release, or confirm what was credited. */
export async function runAbort(databases: TestDatabases, items: ReserveItem[], workflowId: string): Promise<void> {
  const undone = items.map((item) => ({ ...item, reason: 'aborted' }));
  await settle(databases, items, await voidCredit(databases.walletDb, undone, TIMEOUT_MS), workflowId);
}

async function settle(
  databases: TestDatabases,
  items: ReserveItem[],
  decisions: SettlementRow[],
  workflowId: string,
): Promise<void> {
  const voided = new Map(decisions.filter((row) => row.voided).map((row) => [row.id, row.reason ?? 'aborted']));
  const credited = decisions.filter((row) => !row.voided).map((row) => row.id);
  const undone = items.flatMap((item) => {
    const reason = voided.get(item.redemptionId);
    return reason === undefined ? [] : [{ ...item, reason }];
  });
  await release(databases.giftCodeDb, undone, workflowId, TIMEOUT_MS);
  await confirm(databases.giftCodeDb, credited, workflowId, TIMEOUT_MS);
}

/** How often the server had to end a deadlock in the pool's database. Counted once the sessions concerned are closed. */
export async function deadlocks(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query('select deadlocks::int from pg_stat_database where datname = current_database()');
  return rows[0].deadlocks;
}

/** The events of an aggregate, in the order of its versions. */
export async function eventsOf(pool: pg.Pool, aggregateId: string): Promise<{ type: string; version: number }[]> {
  const { rows } = await pool.query(
    'select type, aggregate_version::int as version from outbox where aggregate_id = $1 order by aggregate_version',
    [aggregateId],
  );
  return rows;
}

/** Everything in a database, table by table, as text: equal before and after means that nothing was written. */
export async function dump(pool: pg.Pool, leaveOut: string[] = []): Promise<Record<string, string[]>> {
  const { rows: tables } = await pool.query(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const entries = tables
    .filter(({ name }) => !leaveOut.includes(name))
    .map(async ({ name }): Promise<[string, string[]]> => {
      const { rows } = await pool.query(`select t::text as line from ${name} t order by 1`);
      return [name, rows.map(({ line }) => line)];
    });
  return Object.fromEntries(await Promise.all(entries));
}

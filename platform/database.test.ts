import { sql } from 'drizzle-orm';
import { expect, inject, onTestFinished, test } from 'vitest';
import { type Forwarder, openForwarder } from '../test/faults.ts';
import { until } from '../test/harness.ts';
import { type Database, inTransaction, openDatabase, query } from './database.ts';
import { DatabaseUnavailable, databaseError } from './database-errors.ts';

const TIMEOUT_MS = 60_000;

/** A database that is reached by a way that can be cut. */
async function openFragile(
  statementTimeoutMs = TIMEOUT_MS,
): Promise<{ database: Database<Record<string, never>>; way: Forwarder }> {
  const way = await openForwarder(inject('servers').postgresUrl);
  const sizes = { steps: 1, door: 1, reads: 1, statementTimeoutMs };
  const database = await openDatabase('gateway', way.url, {}, sizes);
  onTestFinished(async () => {
    await database.close();
    await way.close();
  });
  return { database, way };
}

/** Runs for so long that it is cut meanwhile. */
const LONG = 'select pg_sleep(60)';

const isRunning = async ({ reads }: Database<Record<string, never>>, name: string) => {
  const text = `select from pg_stat_activity where application_name = $1 and query like '%pg_sleep%'`;
  return (await query(reads, { text, values: [name] }, TIMEOUT_MS)).rows.length > 0;
};

const untilRunning = (database: Database<Record<string, never>>, name: string) =>
  until(() => isRunning(database, name), 10);

// An event that nobody hears would end the process, here the test's.
test('a connection that ends without a word while a statement runs fails that statement, and the next one gets another', async () => {
  const { database, way } = await openFragile();
  const failing = query(database.steps, { text: LONG }, TIMEOUT_MS).catch((error: unknown) => error);
  await untilRunning(database, 'vouchsafe gateway steps');
  way.cut();
  expect(await failing).toMatchObject({ name: 'DatabaseUnavailable', mayHaveHappened: true });
  expect((await query(database.steps, { text: 'select 1 as one' }, TIMEOUT_MS)).rows).toEqual([{ one: 1 }]);
});

test('and likewise in a transaction', async () => {
  const { database, way } = await openFragile();
  const work = inTransaction(database.door, (transaction) => transaction.execute(sql.raw(LONG)));
  const failing = work.catch((error: unknown) => databaseError(error));
  await untilRunning(database, 'vouchsafe gateway door');
  way.cut();
  expect(await failing).toBeInstanceOf(DatabaseUnavailable);
  const one = await inTransaction(database.door, (transaction) => transaction.execute(sql`select 1 as one`));
  expect(one.rows).toEqual([{ one: 1 }]);
});

test('a server that is stopped is given up, in a transaction as well', async () => {
  const { database, way } = await openFragile(3_000);
  const one = () => inTransaction(database.door, (transaction) => transaction.execute(sql`select 1 as one`));
  expect((await one()).rows).toEqual([{ one: 1 }]);
  way.freeze();
  expect(await one().catch((error: unknown) => databaseError(error))).toBeInstanceOf(DatabaseUnavailable);
  expect((await one()).rows).toEqual([{ one: 1 }]);
});

test('where no connection is to be had, a transaction has not happened', async () => {
  const { database, way } = await openFragile();
  await way.close();
  const failing = inTransaction(database.bulk, (transaction) => transaction.execute(sql`select 1`));
  await expect(failing).rejects.toMatchObject({ name: 'DatabaseUnavailable', mayHaveHappened: false });
});

import { Client, Connection } from '@temporalio/client';
import { removeOld } from '../workers/relay.ts';
import { assertExact, countEvents, drainOutboxes } from './books.ts';
import { closedLoop } from './closed-loop.ts';
import { rounded } from './latencies.ts';
import { defineBench, type Result } from './options.ts';
import { openRedeemers } from './redeemers.ts';
import { type Order, seedOrders } from './seed.ts';
import { startServiceProcess } from './service-process.ts';
import { settle } from './settle.ts';
import type { Stage } from './stage.ts';
import { startStageRelay } from './stage-relay.ts';

const BATCH = 256;
const CONNECTIONS = 2;
/** Longer than any number of redemptions takes. */
const AT_MOST_SECONDS = 3_600;
const TABLES = {
  giftCode: ['redemptions', 'codes', 'outbox_batches'],
  wallet: ['transfers', 'wallets', 'outbox_batches'],
} as const;
type Database = keyof typeof TABLES;

/**
 * What redemptions leave behind: bytes of each in the tables and in their indexes, what autovacuum had to do meanwhile, and
 * how long a vacuum takes in the end. The databases' functions alone make them, as fast as they go, with the relays
 * running; then some come over HTTP, for what Temporal keeps of them.
 */
export const growth = defineBench({
  defaults: { redemptions: 1_000_000, sagas: 10_000, clients: 256 },
  async run(stage, { redemptions, sagas, clients }) {
    const orders = await seedOrders(stage, redemptions + sagas);
    const ofSagas = orders.splice(0, sagas);
    const before = await sizes(stage);
    const seconds = await redeemAll(stage, orders);
    // So that the statistics know of dead rows.
    await maintain(stage, 'analyze');
    const after = await sizes(stage);
    const grown = Object.fromEntries(
      Object.entries(after).map(([name, bytes]) => [name, rounded((bytes - (before[name] ?? 0)) / redemptions, 0)]),
    );
    const work = await vacuumWork(stage);
    const vacuumSeconds = await maintain(stage, 'vacuum');
    const removal = await removeEvents(stage);
    const temporal = await historyBytes(stage, ofSagas, clients);
    await assertExact(stage, redemptions + sagas, 0);
    return {
      redemptions,
      per_second: rounded(redemptions / seconds, 0),
      ...grown,
      ...work,
      ...vacuumSeconds,
      ...removal,
      ...temporal,
    };
  },
});

/** @returns seconds */
async function redeemAll(stage: Stage, orders: Order[]): Promise<number> {
  const seeded = await countEvents(stage);
  const relays = [startStageRelay(stage, 'gift-code'), startStageRelay(stage, 'wallet')];
  try {
    stage.progress(`Redeeming ${orders.length} codes`);
    const batches: Order[][] = [];
    while (orders.length > 0) batches.push(orders.splice(-BATCH));
    const begun = performance.now();
    const loop = { clients: CONNECTIONS, warmUpSeconds: 0, seconds: AT_MOST_SECONDS, signal: stage.signal };
    await closedLoop(loop, batches, (batch) => settle(stage, batch));
    const seconds = (performance.now() - begun) / 1_000;
    await drainOutboxes(stage, seeded);
    return seconds;
  } finally {
    await Promise.all(relays.map((relay) => relay.close()));
  }
}

/** Bytes of each table and of its indexes. */
async function sizes(stage: Stage): Promise<Result> {
  const result: Result = {};
  for (const [database, table] of allTables()) {
    const { rows } = await stage[database].reads.query(
      'select pg_table_size($1::regclass)::text as own, pg_indexes_size($1::regclass)::text as indexes',
      [table],
    );
    result[`${nameOf(database, table)}_bytes`] = Number(rows[0].own);
    result[`${nameOf(database, table)}_index_bytes`] = Number(rows[0].indexes);
  }
  return result;
}

/** What autovacuum did so far, and which share of updates wrote to no index. */
async function vacuumWork(stage: Stage): Promise<Result> {
  const result: Result = {};
  for (const [database, table] of allTables()) {
    const { rows } = await stage[database].reads.query(
      `select autovacuum_count::integer as vacuums, n_dead_tup::integer as dead,
         round(n_tup_hot_upd::numeric / nullif(n_tup_upd, 0), 2)::float as hot
       from pg_stat_user_tables where relid = $1::regclass`,
      [table],
    );
    result[`${nameOf(database, table)}_autovacuums`] = rows[0].vacuums;
    result[`${nameOf(database, table)}_dead_rows`] = rows[0].dead;
    if (rows[0].hot !== null) result[`${nameOf(database, table)}_hot_share`] = rows[0].hot;
  }
  return result;
}

/** Runs a maintenance command on each table. @returns seconds by table */
async function maintain(stage: Stage, command: 'analyze' | 'vacuum'): Promise<Result> {
  const result: Result = {};
  for (const [database, table] of allTables()) {
    const begun = performance.now();
    await stage[database].reads.query(`${command} ${table}`);
    result[`${nameOf(database, table)}_${command}_seconds`] = rounded((performance.now() - begun) / 1_000);
  }
  return result;
}

/** How fast the relay removes what it has kept long enough: here, all of the gift-code part's events. */
async function removeEvents({ giftCode, progress }: Stage): Promise<Result> {
  progress('Removing events');
  const count = async () =>
    (await giftCode.reads.query('select coalesce(sum(event_count), 0)::integer as events from outbox_batches')).rows[0]
      .events;
  const before = await count();
  const client = await giftCode.reads.connect();
  const begun = performance.now();
  try {
    while (await removeOld(client, 0));
  } finally {
    client.release();
  }
  const seconds = (performance.now() - begun) / 1_000;
  return { removed_per_second: rounded((before - (await count())) / seconds, 0) };
}

const allTables = () =>
  (Object.keys(TABLES) as Database[]).flatMap((database) =>
    TABLES[database].map((table) => [database, table] as const),
  );

const nameOf = (database: Database, table: string) =>
  table === 'outbox_batches' ? `${database === 'giftCode' ? 'gift_code' : 'wallet'}_outbox` : table;

/** What Temporal keeps of a redemption, where batches are as long as so many clients make them. */
async function historyBytes(stage: Stage, orders: Order[], clients: number): Promise<Result> {
  stage.progress('Starting the service');
  const service = await startServiceProcess(stage);
  const count = orders.length;
  try {
    const redeemers = await openRedeemers([service], clients);
    const loop = { clients, warmUpSeconds: 0, seconds: AT_MOST_SECONDS, signal: stage.signal };
    await closedLoop(loop, orders, redeemers.redeem);
    redeemers.close();
  } finally {
    await service.stop();
  }
  const connection = await Connection.connect({ address: stage.urls.temporal });
  try {
    let workflows = 0;
    let bytes = 0;
    for await (const { historySize } of new Client({ connection }).workflow.list({
      query: "WorkflowType = 'redeem'",
    })) {
      workflows++;
      bytes += historySize ?? 0;
    }
    return { saga_batch: rounded(count / workflows, 0), history_bytes: rounded(bytes / count, 0) };
  } finally {
    await connection.close();
  }
}

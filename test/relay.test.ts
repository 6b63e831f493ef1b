import pg from 'pg';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { holdUpdates, someoneWaits } from './faults.ts';
import { assertCoherent, createWorld, forFile, makeCodes, newPhone, until } from './harness.ts';
import { spawnIn, type TestProcess } from './process.ts';

const world = await forFile(createWorld());
const first = await spawnIn(world);
let second: TestProcess | undefined;
afterAll(async () => {
  await first.kill();
  await second?.close();
});

const unpublishedIn = async (pool: pg.Pool): Promise<number> =>
  (await pool.query('select count(*)::int as n from outbox where published_at is null')).rows[0].n;
const unpublished = async () => (await unpublishedIn(world.giftCode)) + (await unpublishedIn(world.wallet));

/** A backlog that takes the relay several batches: events of wallets with many versions each. */
async function makeBacklog(): Promise<void> {
  await world.wallet.query(`
    insert into outbox_batches (aggregate, event_count, events)
    select 'wallet', count(*), ('[' || string_agg(event_1(('00000000-0000-4000-8000-' || lpad(wallet::text, 12, '0'))::uuid,
      version, 'wallet.credited', '{"n": 1}'), ',' order by version, wallet) || ']')::json
    from generate_series(1, 100) version, generate_series(1, 200) wallet
    group by version / 3, wallet / 100 order by version / 3`);
}

test('a relay killed in the middle of a batch loses nothing and keeps the order of every aggregate', async () => {
  const codes = await makeCodes(first, 50);
  await Promise.all(codes.map((code) => first.call('POST', '/v1/redemptions', { code, phone: newPhone() })));
  const { rows } = await world.wallet.query('select max(sequence) as latest from outbox_batches');
  const wallet = { pool: world.wallet, url: world.urls.walletDatabase };
  const letGo = await holdUpdates(wallet, 'outbox_batches', `new.sequence > ${Number(rows[0].latest) + 50}`);
  await makeBacklog();
  await someoneWaits(world.wallet, 'update outbox_batches');
  await first.kill();
  await letGo();
  const left = await unpublished();
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(20_000);

  second = await spawnIn(world);
  await until(async () => (await unpublished()) === 0);
  const events = await world.events();
  const written = `select aggregate || '.' || aggregate_id || '.' || aggregate_version as id from outbox`;
  const ids = [...(await world.giftCode.query(written)).rows, ...(await world.wallet.query(written)).rows].map(
    (row) => row.id as string,
  );
  expect(new Set(events.map(({ id }) => id))).toEqual(new Set(ids));
  expect(events).toHaveLength(ids.length);
  const latest = new Map<string, number>();
  for (const { aggregate, aggregateversion } of events) {
    expect(aggregateversion).toBe((latest.get(aggregate) ?? 0) + 1);
    latest.set(aggregate, aggregateversion);
  }
  await assertCoherent(world);
});

test('a relay publishes nothing while another one has the lock of its database, and takes over when that is gone', async () => {
  await second?.close();
  const active = new pg.Client({ connectionString: world.urls.walletDatabase });
  await active.connect();
  onTestFinished(() => active.end());
  await active.query(`select pg_advisory_lock(hashtextextended('vouchsafe relay', 0))`);
  second = await spawnIn(world);
  await second.call('POST', '/v1/wallets', { phone: newPhone() });
  await makeCodes(second, 1);
  await until(async () => (await unpublishedIn(world.giftCode)) === 0);
  expect(await unpublishedIn(world.wallet)).toBe(1);
  await active.end();
  await until(async () => (await unpublishedIn(world.wallet)) === 0);
});

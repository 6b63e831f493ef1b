import { connect, nanos } from 'nats';
import { expect, onTestFinished, test } from 'vitest';
import { createWorld, newPhone, startIn, type TestWorld, until } from './harness.ts';

const HOUR_MS = 3_600_000;
/** Bytes; less than the event that is refused, more than all others. */
const MAX_MESSAGE = 2_000;

async function openWorld() {
  const world = await createWorld();
  onTestFinished(world.close);
  const nats = await connect({ servers: world.urls.nats });
  onTestFinished(() => nats.close());
  return { world, streams: (await nats.jetstreamManager()).streams };
}

async function start(world: TestWorld) {
  const service = await startIn(world);
  onTestFinished(service.close);
  return service;
}

test('a stream that is there is used as it is, and an event that it refuses holds back those of its aggregate alone', async () => {
  const { world, streams } = await openWorld();
  const limits = { max_age: nanos(HOUR_MS), max_msg_size: MAX_MESSAGE };
  await streams.add({ name: 'VOUCHSAFE', subjects: ['vouchsafe.>'], ...limits });
  const service = await start(world);
  expect((await service.call('POST', '/v1/wallets', { phone: newPhone() })).status).toBe(201);
  await until(async () => (await world.events()).length === 1);

  // In this order: where all three went at once, the second was there before the third.
  const events = [
    ['00000000-0000-4000-8000-000000000001', 1, 'x'.repeat(2 * MAX_MESSAGE)],
    ['00000000-0000-4000-8000-000000000001', 2, 'small'],
    ['00000000-0000-4000-8000-000000000002', 1, 'small'],
  ] as const;
  const list = events.map(
    (_, index) => `event_1($${3 * index + 1}::uuid, $${3 * index + 2}::integer, 'wallet.credited',
    json_build_object('text', $${3 * index + 3}::text)::text)`,
  );
  await world.wallet.query(
    `insert into outbox_batches (aggregate, event_count, events)
      values ('wallet', 3, ('[' || concat_ws(',', ${list.join(', ')}) || ']')::json)`,
    events.flat(),
  );
  const ids = async () => (await world.events()).map(({ id }) => id).filter((id) => id.includes('-8000-'));
  await until(async () => (await ids()).includes('wallet.00000000-0000-4000-8000-000000000002.1'));
  expect(await ids()).toEqual(['wallet.00000000-0000-4000-8000-000000000002.1']);

  expect((await streams.info('VOUCHSAFE')).config).toMatchObject(limits);
  await streams.update('VOUCHSAFE', { max_msg_size: -1 });
  await until(async () => (await ids()).length === 3);
  expect(await ids()).toEqual([
    'wallet.00000000-0000-4000-8000-000000000002.1',
    'wallet.00000000-0000-4000-8000-000000000001.1',
    'wallet.00000000-0000-4000-8000-000000000001.2',
  ]);
});

test('a stream that is made keeps events for as long as the outbox does', async () => {
  const { world, streams } = await openWorld();
  await start(world);
  const found = await until(() => streams.info('VOUCHSAFE').catch(() => null));
  expect(found.config.max_age).toBe(nanos(168 * HOUR_MS));
});

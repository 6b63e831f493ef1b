import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { connect } from 'nats';
import { afterAll, expect, test } from 'vitest';
import { EVENT_TYPES } from '../platform/event-types.ts';
import { startNats } from '../platform/local/index.ts';
import type { CloudEvent } from '../platform/outbox.ts';
import { assertCoherent, createWorld, forFile, makeCodes, newPhone, startIn, until } from './harness.ts';
import { startReceiver } from './receiver.ts';

const world = await forFile(createWorld());
const receiver = await forFile(startReceiver());
let service = await startIn(world, { VOUCHSAFE_WEBHOOKS_PRIVATE: 'true', VOUCHSAFE_OUTBOX_KEPT_HOURS: '8760' });
afterAll(() => service.close());

const statusOf = async (part: string) =>
  (await service.call('GET', '/v1/outbox')).body.parts.find((one: { part: string }) => one.part === part);
const replay = (body: object) => service.call('POST', '/v1/outbox/replay', body);
const ids = (events: CloudEvent[]) => events.map(({ id }) => id).sort();

test('a lost stream comes back from the outbox, whole and in order, and nobody gets an event a second time', async () => {
  const endpoint = await service.call('POST', '/v1/webhook-endpoints', { url: receiver.url, event_types: ['*'] });
  const from = new Date(Date.now() - 60_000).toISOString();
  const codes = await makeCodes(service, 20);
  const phones = [newPhone(), newPhone()];
  await Promise.all(
    codes.map((code, index) => service.call('POST', '/v1/redemptions', { code, phone: phones[index % 2] })),
  );
  // One group, two wallets; two events a redemption and a credit.
  const before = await until(async () => {
    const events = await world.events();
    return events.length === 1 + 2 + 20 * 3 && events;
  });
  await until(async () => receiver.received.length === before.length);
  for (const { type } of before) expect(EVENT_TYPES).toContain(type);
  // The mark of what is published follows it.
  const marked = await until(async () => {
    const status = await statusOf('wallet');
    return status.unpublished === 0 && status;
  });
  expect(marked).toEqual({
    part: 'wallet',
    unpublished: 0,
    oldest_unpublished_at: null,
    lag_seconds: 0,
    last_published_at: expect.stringMatching(/^20/),
    kept_since: expect.stringMatching(/^20/),
  });

  const nats = await connect({ servers: world.urls.nats });
  const manager = await nats.jetstreamManager();
  await manager.streams.delete('VOUCHSAFE');
  await nats.close();
  expect(await world.events()).toEqual([]);
  const to = new Date(Date.now() + 60_000).toISOString();
  expect((await replay({ part: 'wallet', from: to, to: new Date(Date.now() + 120_000) })).body).toEqual({
    part: 'wallet',
    replayed: 0,
  });
  expect((await replay({ part: 'wallet', from, to })).body).toEqual({ part: 'wallet', replayed: 22 });
  expect((await replay({ part: 'gift-code', from, to })).body).toEqual({ part: 'gift-code', replayed: 41 });
  const after = await until(async () => {
    const events = await world.events();
    return events.length === before.length && events;
  });
  expect(ids(after)).toEqual(ids(before));
  const latest = new Map<string, number>();
  for (const { aggregate, aggregateversion } of after) {
    expect(aggregateversion).toBe((latest.get(aggregate) ?? 0) + 1);
    latest.set(aggregate, aggregateversion);
  }

  // What happens next comes after all that was published again; the receiver has seen only this.
  const [code] = await makeCodes(service, 1);
  await service.call('POST', '/v1/redemptions', { code, phone: phones[0] });
  await until(async () => receiver.received.length >= before.length + 4);
  expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(receiver.received.length);
  const deliveries = await world.gateway.query('select from webhook_deliveries where endpoint_id = $1', [
    endpoint.body.id,
  ]);
  expect(deliveries.rowCount).toBe(before.length + 4);
  const audit = await service.call('GET', '/v1/audit-log?resource=outbox');
  expect(audit.body.items).toMatchObject([
    { action: 'outbox.replay', after: { part: 'gift-code', replayed: 41 } },
    { action: 'outbox.replay', after: { part: 'wallet', from, to, replayed: 22 } },
  ]);
  await assertCoherent(world);
});

test('a replay takes the events of its time and no others, from among many', async () => {
  await world.wallet.query('delete from outbox_batches');
  // Of transactions that ran beside each other, the later may have drawn the lower sequence.
  const begin = new Date(Date.now() - 30 * 86_400_000);
  await world.wallet.query(
    `insert into outbox_batches (aggregate, event_count, events, occurred_at, published_at)
    select 'wallet', 1, ('[' || event_1(gen_random_uuid(), 1, 'wallet.credited', '{}') || ']')::json,
      $1::timestamptz + (n + 8 * (n % 2)) * interval '30 seconds', now()
    from generate_series(0, 23999) n`,
    [begin],
  );
  const hour = (hours: number) => new Date(begin.getTime() + hours * 3_600_000).toISOString();
  // 97 hours after the begin, as a clock shows it that is an hour ahead.
  const range = { part: 'wallet', from: hour(24), to: hour(98).replace('Z', '+01:00') };
  const inRange = 'from outbox where occurred_at >= $1 and occurred_at < $2';
  const { rows } = await world.wallet.query(`select count(*)::int as n ${inRange}`, [range.from, range.to]);
  expect(rows[0].n).toBe(73 * 120);
  expect((await replay(range)).body.replayed).toBe(73 * 120);
  await until(async () => (await statusOf('wallet')).unpublished === 0);
});

test('what waits to be published shows as lag, and is not removed however old; what is published is, after its time', async () => {
  await until(async () => (await statusOf('gift-code')).unpublished === 0);
  const old = `now() - interval '8 days'`;
  const id = randomUUID();
  const lines = await world.giftCode.query('select count(*)::int as n from outbox');
  const aged = await world.giftCode.query(`update outbox_batches set published_at = ${old}, occurred_at = ${old}
    where sequence in (select sequence from outbox_batches order by sequence limit 5) returning event_count`);
  const agedLines = aged.rows.reduce((sum, { event_count }) => sum + event_count, 0);
  // The relay looks at its start; and a relay that cannot publish leaves what waits.
  await service.close();
  await world.nats.stop();
  await world.giftCode.query(`insert into outbox_batches (aggregate, event_count, events, occurred_at)
    values ('code_group', 1, ('[' || event_1('${id}', 1, 'code_group.updated', '{}') || ']')::json, ${old})`);
  service = await startIn(world);
  const waiting = await statusOf('gift-code');
  expect(waiting.unpublished).toBe(1);
  expect(waiting.lag_seconds).toBeGreaterThan(7 * 86_400);
  expect(waiting.oldest_unpublished_at).toMatch(/^20/);
  world.nats = await startNats({ directory: join(world.home, 'nats'), port: world.nats.port });
  await until(async () => (await world.events()).some((event) => event.subject === id));
  await until(async () => {
    const { rows } = await world.giftCode.query('select count(*)::int as n from outbox');
    return rows[0].n === lines.rows[0].n - agedLines;
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { connect, consumerOpts } from 'nats';
import { readConfig } from '../platform/config.ts';
import type { CloudEvent } from '../platform/outbox.ts';
import { rounded } from './latencies.ts';
import { defineBench } from './options.ts';
import type { Stage } from './stage.ts';
import { startStageRelay } from './stage-relay.ts';

/** What a redemption's life leaves in the outbox, in its order. */
const TYPES = ['redemption.reserved', 'redemption.completed', 'redemption.reversed'];
/** Redemptions of which each writes its next event, before any writes the one after it: as batches do. */
const BATCH = 256;
const EVENTS_AT_ONCE = 200 * BATCH;
const POLL_MS = 100;
const AT_MOST_MS = 600_000;
const READ_TIMEOUT_MS = 30_000;

/** A backlog, as after NATS was away: the relay alone, from its start until the outbox is empty. */
export const relay = defineBench({
  defaults: { events: 500_000 },
  async run(stage, { events }) {
    await writeBacklog(stage, events);
    stage.progress('Starting the relay');
    const begun = performance.now();
    const active = startStageRelay(stage, 'gift-code');
    const seconds = await untilEmpty(stage, begun).finally(active.close);
    await assertStream(stage, readConfig().nats.stream, events);
    return { events, seconds: rounded(seconds), events_per_second: rounded(events / seconds, 0) };
  },
});

async function writeBacklog({ giftCode, progress, signal }: Stage, events: number): Promise<void> {
  progress(`Writing ${events} events`);
  for (let from = 0; from < events; from += EVENTS_AT_ONCE) {
    signal.throwIfAborted();
    await giftCode.reads.query(
      `insert into outbox_batches (aggregate, event_count, events)
       select 'redemption', count(*), ('[' || string_agg(event_1(id, version, ($3::text[])[version],
         redemption_data_1(id, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1000, 'USD', null)), ',' order by n) || ']')::json
       from generate_series($1::integer, $2::integer - 1) n,
         lateral (select md5((n / (${BATCH} * cardinality($3::text[])) * ${BATCH} + n % ${BATCH})::text)::uuid as id,
           n / ${BATCH} % cardinality($3::text[]) + 1 as version) event
       group by n / ${BATCH} order by n / ${BATCH}`,
      [from, Math.min(from + EVENTS_AT_ONCE, events), TYPES],
    );
  }
  await giftCode.reads.query('vacuum (analyze) outbox_batches');
}

/** @returns the seconds since `begun` */
async function untilEmpty({ giftCode, signal, progress }: Stage, begun: number): Promise<number> {
  for (let toldAt = begun; ; ) {
    const { rows } = await giftCode.reads.query(
      'select exists (select from outbox_batches where published_at is null) as waiting',
    );
    const now = performance.now();
    if (!rows[0].waiting) return (now - begun) / 1_000;
    if (now - begun > AT_MOST_MS) throw new Error(`the outbox is not empty after ${AT_MOST_MS / 1_000} s`);
    if (now - toldAt > 10_000) {
      progress(`${rounded((now - begun) / 1_000, 0)} s`);
      toldAt = now;
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** Reads the stream through: each event is there, once, and those of an aggregate are in order. @throws Error */
async function assertStream(stage: Stage, stream: string, events: number): Promise<void> {
  stage.progress('Reading the stream');
  const expected = new Map<string, number>();
  const { rows } = await stage.giftCode.reads.query<{ aggregate_id: string; events: number }>(
    'select aggregate_id, count(*)::integer as events from outbox group by aggregate_id',
  );
  for (const row of rows) expected.set(`redemption/${row.aggregate_id}`, row.events);
  const nats = await connect({ servers: stage.urls.nats });
  try {
    const manager = await nats.jetstreamManager();
    const { messages } = (await manager.streams.info(stream)).state;
    if (messages !== events) throw new Error(`not exact: ${events} events, but ${messages} messages in the stream`);
    const versions = new Map<string, number>();
    const subscription = await nats.jetstream().subscribe('vouchsafe.>', consumerOpts().orderedConsumer());
    const giveUp = setTimeout(() => subscription.unsubscribe(), READ_TIMEOUT_MS + events);
    let read = 0;
    for await (const message of subscription) {
      stage.signal.throwIfAborted();
      const { aggregate, aggregateversion } = message.json<CloudEvent>();
      const version = (versions.get(aggregate) ?? 0) + 1;
      if (aggregateversion !== version)
        throw new Error(`not in order: ${aggregate}, ${aggregateversion} for ${version}`);
      versions.set(aggregate, version);
      if (++read === events) break;
    }
    clearTimeout(giveUp);
    const missing = [...expected].filter(([aggregate, count]) => versions.get(aggregate) !== count);
    if (read !== events || missing.length > 0)
      throw new Error(`not exact: ${read} read, of ${missing.length} some lack`);
    stage.progress(`Exact: ${events} events of ${expected.size} aggregates, each once and in order`);
  } finally {
    await nats.close();
  }
}

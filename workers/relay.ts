import { type NatsConnection, nanos } from 'nats';
import pg from 'pg';
import type { NatsSettings } from '../platform/config.ts';
import { unlessMissing } from '../platform/jetstream.ts';
import type { Logger } from '../platform/logger.ts';
import { openNats } from '../platform/nats.ts';
import { OUTBOX_COLUMNS, type OutboxBatch, type OutgoingEvent, outgoingEvents } from '../platform/outbox.ts';
import type { SagaPart } from '../workflows/contracts.ts';
import { openPublisher, type Publish } from './jetstream-publisher.ts';

export interface RelayOptions {
  part: SagaPart;
  databaseUrl: string;
  natsUrl: string;
  nats: NatsSettings;
  /** How long events stay in the outbox, once published, and in a stream that is made. */
  keptMs: number;
  logger: Logger;
}

export interface Relay {
  /** Events were written: look now. */
  wake(): void;
  close(): Promise<void>;
}

const POLL_MS = 200;
/** After a failure, and between attempts to become the active relay. */
const RETRY_MS = 1_000;
/** So many batches are looked at, and as many of them taken as have about so many events. */
const BATCHES_AT_ONCE = 1_000;
const EVENTS_AT_ONCE = 1_000;
const GATHER_MS = 25;
const PUBLISH_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 60_000;
const DUPLICATE_WINDOW_MS = 120_000;
/** Batches, of up to some hundred events each: nothing is published meanwhile. */
const REMOVE_AT_ONCE = 100;
const REMOVE_EVERY_MS = 60_000;

/**
 * Publishes a part's outbox to JetStream. One relay is active per database: it holds an advisory lock, and lock, reads
 * and marks share one connection, so a relay that lost its lock can mark nothing. It reads what is not yet published in
 * order of sequence, never from a high-water mark, since a lower sequence may be committed later. Of an aggregate at most
 * one event is on its way, so an aggregate's events arrive in order whatever fails. A batch one of whose events was not
 * acknowledged is published again, under the same Nats-Msg-Ids.
 */
export function startRelay(options: RelayOptions): Relay {
  const { logger } = options;
  let closing = false;
  let woken = false;
  let wakeUp = () => {};

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      if (closing || woken) return resolve();
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    }).then(() => {
      woken = false;
    });

  const run = async () => {
    while (!closing) {
      try {
        await relayWhileConnected(
          options,
          () => closing,
          () => pause(POLL_MS),
        );
      } catch (error) {
        logger.warn({ part: options.part, error: String(error) }, 'the relay lost a connection and will try again');
      }
      if (!closing) await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
    }
  };
  const finished = run();

  return {
    wake() {
      woken = true;
      wakeUp();
    },
    async close() {
      closing = true;
      wakeUp();
      await finished;
    },
  };
}

async function relayWhileConnected(options: RelayOptions, closing: () => boolean, idle: () => Promise<void>) {
  const database = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: `vouchsafe ${options.part} relay`,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    query_timeout: QUERY_TIMEOUT_MS,
  });
  let broken: Error | undefined;
  database.on('error', (error) => {
    broken = error;
  });
  let nats: NatsConnection | undefined;
  try {
    await database.connect();
    // A plan made while the outbox was small must not read it all when it is large.
    await database.query('set enable_seqscan = off');
    const lock = `select pg_try_advisory_lock(hashtextextended('vouchsafe relay', 0)) as active`;
    if (!(await database.query<{ active: boolean }>(lock)).rows[0]?.active) return;
    const name = `vouchsafe ${options.part} relay`;
    nats = await openNats(options.natsUrl, options.nats, { name, timeoutMs: 5_000 });
    await openStream(nats, options.nats.stream, options.keptMs);
    const publish = openPublisher(nats, PUBLISH_TIMEOUT_MS);
    let removeAt = performance.now();
    while (!closing()) {
      if (broken) throw broken;
      const published = await relayOnce(database, publish, options.part);
      if (performance.now() >= removeAt) {
        const mayBeMore = await removeOld(database, options.keptMs);
        if (!mayBeMore) removeAt = performance.now() + REMOVE_EVERY_MS;
      }
      if (published === 0) await idle();
      // Where little comes at a time, let it gather: a pass costs the same for one event as for many.
      else if (published < EVENTS_AT_ONCE) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    }
  } finally {
    await nats?.close().catch(() => undefined);
    await database.end().catch(() => undefined);
  }
}

/** Makes the stream where there is none. One that is there stays as it is: its limits are its operator's business. */
async function openStream(nats: NatsConnection, name: string, keptMs: number): Promise<void> {
  const { streams } = await nats.jetstreamManager();
  if (await unlessMissing(streams.info(name))) return;
  await streams.add({
    name,
    subjects: ['vouchsafe.>'],
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    max_age: nanos(keptMs),
  });
}

/** Publishes what is waiting, up to a limit. @returns how many events it read @throws when one was not acknowledged */
async function relayOnce(database: pg.Client, publish: Publish, part: string): Promise<number> {
  const { rows } = await database.query<OutboxBatch>({
    name: 'unpublished',
    text: `select ${OUTBOX_COLUMNS} from (
        select *, sum(event_count) over (order by sequence) - event_count as events_before from (
          select * from outbox_batches where published_at is null order by sequence limit ${BATCHES_AT_ONCE}) waiting
      ) b where events_before < ${EVENTS_AT_ONCE} order by b.sequence`,
  });
  if (rows.length === 0) return 0;

  const events = rows.map((batch) => outgoingEvents(part, batch));
  const unpublished = new Set(events.flat());
  const count = unpublished.size;
  let failure: Error | undefined;
  for (const wave of waves(events)) {
    const results = await publish(wave);
    failure = results.find((error) => error !== undefined);
    for (const [index, event] of wave.entries()) if (results[index] === undefined) unpublished.delete(event);
    if (failure) break;
  }
  const published = rows.filter((_, index) => !events[index]?.some((event) => unpublished.has(event)));
  await database.query({
    name: 'mark published',
    text: 'update outbox_batches set published_at = now() where sequence = any($1::bigint[])',
    values: [published.map(({ sequence }) => sequence)],
  });
  if (failure) throw failure;
  return count;
}

/** Events in their order, so that the n-th wave holds the n-th event of each aggregate. */
function waves(batches: OutgoingEvent[][]): OutgoingEvent[][] {
  const result: OutgoingEvent[][] = [];
  const counts = new Map<string, number>();
  for (const events of batches) {
    for (const event of events) {
      const before = counts.get(event.aggregateId) ?? 0;
      counts.set(event.aggregateId, before + 1);
      result[before] ??= [];
      result[before].push(event);
    }
  }
  return result;
}

/**
 * Removes published batches of events that happened longer ago than they are kept. It looks at the oldest alone, so that it
 * never reads the table through. Their age counts, not when they were published last: a replay lengthens no life, so that
 * consumers can tell how long to remember an event. @returns whether there may be more
 */
export async function removeOld(database: pg.ClientBase, keptMs: number): Promise<boolean> {
  const { rowCount } = await database.query({
    name: 'remove old',
    text: `delete from outbox_batches where sequence in (
      select sequence from (
        select sequence, published_at, occurred_at from outbox_batches order by sequence limit ${REMOVE_AT_ONCE}) oldest
      where published_at is not null and occurred_at < now() - make_interval(secs => $1::double precision / 1000))`,
    values: [keptMs],
  });
  return rowCount === REMOVE_AT_ONCE;
}

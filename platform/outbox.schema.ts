import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, json, pgTable, pgView, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { OutboxEvent } from './outbox.ts';

/** Sequences from one batch to the next: one for each of its events. */
const EVENTS_OF_A_BATCH = 65_536;

const instant = () => timestamp({ withTimezone: true, precision: 3 });

/**
 * State changes to be published, written in the transaction that makes them: the events of one statement are one row. The
 * relay publishes and marks whole rows. See docs/adr/0017.
 */
export const outboxBatches = pgTable(
  'outbox_batches',
  {
    /** That of its first event; those after it follow. */
    sequence: bigint({ mode: 'bigint' })
      .primaryKey()
      .generatedByDefaultAsIdentity({ increment: EVENTS_OF_A_BATCH, cache: 1 }),
    occurredAt: instant().notNull().defaultNow(),
    publishedAt: instant(),
    eventCount: integer().notNull(),
    /** The kind of what changed. */
    aggregate: text().notNull(),
    /** In the order they are to be published. */
    events: json().$type<OutboxEvent[]>().notNull(),
  },
  (t) => [
    index('outbox_batches_unpublished').on(t.sequence).where(sql`${t.publishedAt} is null`),
    check('outbox_batches_event_count', sql`${t.eventCount} between 1 and 65536`),
  ],
);

/**
 * The events one by one, for those who look for some. An event's id is `<aggregate>.<aggregate_id>.<aggregate_version>`: an
 * aggregate's version grows by one with each of its events.
 */
export const outbox = pgView('outbox', {
  sequence: bigint({ mode: 'bigint' }).notNull(),
  aggregate: text().notNull(),
  aggregateId: uuid().notNull(),
  aggregateVersion: bigint({ mode: 'bigint' }).notNull(),
  type: text().notNull(),
  data: json().notNull(),
  occurredAt: instant().notNull(),
  publishedAt: instant(),
}).as(sql`
  select b.sequence + e.place - 1 as sequence, b.aggregate, (e.event ->> 'id')::uuid as aggregate_id,
    (e.event ->> 'version')::bigint as aggregate_version, e.event ->> 'type' as type, e.event -> 'data' as data,
    b.occurred_at, b.published_at
  from outbox_batches b cross join lateral json_array_elements(b.events) with ordinality e(event, place)`);

/** A batch of one event. */
export const batchOfOne = (aggregate: string, event: OutboxEvent): typeof outboxBatches.$inferInsert => ({
  aggregate,
  eventCount: 1,
  events: [event],
});

import { sql } from 'drizzle-orm';
import { bigint, index, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/**
 * State changes to be published, written in the transaction that makes them. An event's id is
 * `<aggregate>.<aggregate_id>.<aggregate_version>`: an aggregate's version grows by one with each of its events.
 */
export const outbox = pgTable(
  'outbox',
  {
    sequence: bigint({ mode: 'bigint' }).primaryKey().generatedByDefaultAsIdentity({ cache: 1 }),
    aggregateId: uuid().notNull(),
    aggregateVersion: bigint({ mode: 'bigint' }).notNull(),
    occurredAt: timestamp({ withTimezone: true, precision: 3 }).notNull().defaultNow(),
    publishedAt: timestamp({ withTimezone: true, precision: 3 }),
    aggregate: text().notNull(),
    type: text().notNull(),
    data: jsonb().notNull(),
  },
  (t) => [index('outbox_unpublished').on(t.sequence).where(sql`${t.publishedAt} is null`)],
);

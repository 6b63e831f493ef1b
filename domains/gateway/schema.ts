import { pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** Who calls the API. A client outlives its keys, so idempotency keys and references keep their meaning. */
export const apiClients = pgTable('api_clients', {
  id: uuid().primaryKey(),
  name: text().notNull().unique(),
  createdAt: timestamp({ withTimezone: true, precision: 3 }).notNull().defaultNow(),
});

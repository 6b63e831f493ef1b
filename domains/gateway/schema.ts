import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  customType,
  index,
  jsonb,
  pgTable,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

const instant = () => timestamp({ withTimezone: true, precision: 3, mode: 'date' });
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/**
 * Who calls the API. A client outlives its keys, so idempotency keys and references keep their meaning. `admin` is the
 * client of the configuration's key; any other has the id of its first key.
 */
export const apiClients = pgTable(
  'api_clients',
  {
    id: uuid().primaryKey(),
    name: text().notNull(),
    createdAt: instant().notNull().defaultNow(),
  },
  (t) => [uniqueIndex('api_clients_admin').on(t.name).where(sql`${t.name} = 'admin'`)],
);

/** A client's keys, of which one at most is live. The key itself is nowhere; a revoked one stays, for the audit log. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid().primaryKey(),
    clientId: uuid()
      .notNull()
      .references(() => apiClients.id),
    /** SHA-256: keys are random, so that nothing slower is needed. */
    hash: bytea().notNull().unique(),
    last4: text().notNull(),
    scopes: text().array().notNull(),
    /** The key that this one was made from by rotation. */
    replaces: uuid()
      .unique()
      .references((): AnyPgColumn => apiKeys.id),
    createdAt: instant().notNull().defaultNow(),
    /** To the minute. */
    lastUsedAt: instant(),
    revokedAt: instant(),
  },
  (t) => [
    index('api_keys_created').on(t.createdAt, t.id),
    uniqueIndex('api_keys_live').on(t.clientId).where(sql`${t.revokedAt} is null`),
  ],
);

/** Who did what, on whose request. */
const trail = () => ({
  clientId: uuid()
    .notNull()
    .references(() => apiClients.id),
  /** None for the admin key. */
  keyId: uuid().references(() => apiKeys.id),
  action: text().notNull(),
  resourceType: text().notNull(),
  resourceId: uuid(),
  requestId: uuid().notNull(),
  remoteAddress: text().notNull(),
  createdAt: instant().notNull().defaultNow(),
});

/** Requests to change something that are under way. One that stays was lost half-way: what became of it is not known. */
export const auditIntents = pgTable('audit_intents', { id: uuid().primaryKey(), ...trail() });

/** What was done; append-only. `id` gives the order. */
export const auditLog = pgTable(
  'audit_log',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    ...trail(),
    outcome: text().$type<'done' | 'unknown'>().notNull(),
    before: jsonb().$type<Record<string, unknown>>(),
    after: jsonb().$type<Record<string, unknown>>(),
  },
  (t) => [
    index('audit_log_client').on(t.clientId, t.id),
    index('audit_log_key').on(t.keyId, t.id),
    index('audit_log_action').on(t.action, t.id),
    index('audit_log_resource_type').on(t.resourceType, t.id),
    index('audit_log_resource_id').on(t.resourceId, t.id),
  ],
);

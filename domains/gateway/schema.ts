import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  smallint,
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
export const auditIntents = pgTable('audit_intents', {
  id: uuid().primaryKey(),
  ...trail(),
  aliveAt: instant().notNull().defaultNow(),
});

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

/** Where events are sent, and which. One that is deleted is out of sight at once; its deliveries go in small batches. */
export const webhookEndpoints = pgTable(
  'webhook_endpoints',
  {
    id: uuid().primaryKey(),
    clientId: uuid()
      .notNull()
      .references(() => apiClients.id),
    url: text().notNull(),
    /** Or `*` alone, for all there are and will be. */
    eventTypes: text().array().notNull(),
    /** SHA-256 of the request that made it, with which a repeat is compared; not known of old ones. */
    requestHash: bytea(),
    createdAt: instant().notNull().defaultNow(),
    updatedAt: instant().notNull().defaultNow(),
    /** Since when it has not been disabled. */
    enabledAt: instant().notNull().defaultNow(),
    disabledAt: instant(),
    /** `gone`: it answered 410. */
    disabledReason: text().$type<'request' | 'gone'>(),
    deletedAt: instant(),
  },
  (t) => [
    index('webhook_endpoints_created').on(t.createdAt, t.id),
    check('webhook_endpoints_event_types', sql`cardinality(${t.eventTypes}) > 0`),
    check('webhook_endpoints_disabled', sql`(${t.disabledAt} is null) = (${t.disabledReason} is null)`),
    check('webhook_endpoints_disabled_reason', sql`${t.disabledReason} in ('request', 'gone')`),
  ],
);

/** What deliveries are signed with, sealed. The newest has no end; one that was replaced is valid until its own. */
export const webhookSecrets = pgTable(
  'webhook_secrets',
  {
    id: uuid().primaryKey(),
    endpointId: uuid()
      .notNull()
      .references(() => webhookEndpoints.id, { onDelete: 'cascade' }),
    sealed: bytea().notNull(),
    sealKeyId: smallint().notNull(),
    createdAt: instant().notNull().defaultNow(),
    expiresAt: instant(),
  },
  (t) => [
    index('webhook_secrets_endpoint').on(t.endpointId),
    uniqueIndex('webhook_secrets_newest').on(t.endpointId).where(sql`${t.expiresAt} is null`),
  ],
);

/**
 * An event on its way to an endpoint. That there is one row for both is what keeps an event that arrives again from being
 * delivered again, so a row outlives its delivery, without the body.
 */
export const webhookDeliveries = pgTable(
  'webhook_deliveries',
  {
    id: uuid().primaryKey().defaultRandom(),
    endpointId: uuid()
      .notNull()
      .references(() => webhookEndpoints.id),
    eventId: text().notNull(),
    eventType: text().notNull(),
    /** The event's JSON, to the byte what is sent and signed. */
    body: text(),
    state: text().$type<'pending' | 'delivered' | 'dead'>().notNull().default('pending'),
    attempts: integer().notNull().default(0),
    /** While it is attempted: when it is given to another, should this attempt never end. */
    nextAttemptAt: instant().notNull().defaultNow(),
    /** While it is attempted, as `next_attempt_at`. */
    claimedUntil: instant(),
    /** HTTP status of the last answer. */
    lastStatus: smallint(),
    lastError: text(),
    createdAt: instant().notNull().defaultNow(),
    /** Delivered or dead since. */
    settledAt: instant(),
  },
  (t) => [
    uniqueIndex('webhook_deliveries_once').on(t.endpointId, t.eventId),
    index('webhook_deliveries_due').on(t.endpointId, t.nextAttemptAt).where(sql`${t.state} = 'pending'`),
    index('webhook_deliveries_created').on(t.endpointId, t.createdAt, t.id),
    index('webhook_deliveries_dead').on(t.endpointId, t.createdAt, t.id).where(sql`${t.state} = 'dead'`),
    index('webhook_deliveries_settled').on(t.settledAt).where(sql`${t.state} <> 'pending'`),
    check('webhook_deliveries_state', sql`${t.state} in ('pending', 'delivered', 'dead')`),
    check('webhook_deliveries_settled_at', sql`(${t.state} = 'pending') = (${t.settledAt} is null)`),
    check('webhook_deliveries_body', sql`(${t.state} = 'delivered') = (${t.body} is null)`),
  ],
);

/** Proofs of the books, one at a time. One that runs says so every few seconds; one that is silent was lost with its process. */
export const reconciliations = pgTable(
  'reconciliations',
  {
    id: uuid().primaryKey(),
    state: text().$type<'running' | 'balanced' | 'unbalanced' | 'failed'>().notNull(),
    findings: jsonb().$type<Record<string, unknown>>(),
    error: text(),
    createdAt: instant().notNull().defaultNow(),
    aliveAt: instant().notNull().defaultNow(),
    finishedAt: instant(),
  },
  (t) => [
    index('reconciliations_created').on(t.createdAt, t.id),
    uniqueIndex('reconciliations_running').on(t.state).where(sql`${t.state} = 'running'`),
    check('reconciliations_state', sql`${t.state} in ('running', 'balanced', 'unbalanced', 'failed')`),
    check('reconciliations_finished', sql`(${t.state} = 'running') = (${t.finishedAt} is null)`),
  ],
);

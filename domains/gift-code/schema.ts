import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  char,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

export { outbox } from '../../platform/outbox.schema.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const instant = () => timestamp({ withTimezone: true, precision: 3, mode: 'date' });
const minorUnits = () => bigint({ mode: 'bigint' });

/** A campaign: its codes share an amount, a window and limits. Amounts are in minor units. */
export const codeGroups = pgTable(
  'code_groups',
  {
    id: uuid().primaryKey(),
    clientId: uuid().notNull(),
    name: text().notNull(),
    amount: minorUnits().notNull(),
    currency: char({ length: 3 }).notNull(),
    prefix: text(),
    startsAt: instant(),
    endsAt: instant(),
    perWalletLimit: integer(),
    budget: minorUnits(),
    /** Amount reserved and redeemed; kept only while the group has a budget. */
    budgetUsed: bigint({ mode: 'bigint' }).notNull().default(sql`0`),
    disabled: boolean().notNull().default(false),
    metadata: jsonb().$type<Record<string, unknown>>().notNull().default(sql`'{}'`),
    codeCount: integer().notNull(),
    /** SHA-256 of the creating request, to tell a repeat from another request under the same Idempotency-Key. */
    requestHash: bytea().notNull(),
    version: bigint({ mode: 'bigint' }).notNull().default(sql`1`),
    createdAt: instant().notNull().defaultNow(),
    updatedAt: instant().notNull().defaultNow(),
  },
  (t) => [
    index('code_groups_created').on(t.createdAt, t.id),
    check('code_groups_amount', sql`${t.amount} between 1 and 9007199254740991`),
    check('code_groups_window', sql`${t.startsAt} < ${t.endsAt}`),
    check('code_groups_per_wallet_limit', sql`${t.perWalletLimit} >= 1`),
    check('code_groups_budget', sql`${t.budgetUsed} >= 0 and (${t.budget} is null or ${t.budgetUsed} <= ${t.budget})`),
  ],
);

/** A code: a gift code may be redeemed once, a coupon `max_redemptions` times. Its text is sealed. */
export const codes = pgTable(
  'codes',
  {
    id: uuid().primaryKey(),
    groupId: uuid()
      .notNull()
      .references(() => codeGroups.id),
    /** The code's place in its group, from 1. */
    position: integer().notNull(),
    maxRedemptions: integer().notNull(),
    reserved: integer().notNull().default(0),
    redeemed: integer().notNull().default(0),
    disabled: boolean().notNull().default(false),
    last4: text('last4').notNull(),
    sealed: bytea().notNull(),
    sealKeyId: smallint().notNull(),
    createdAt: instant().notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('codes_group_position').on(t.groupId, t.position),
    check(
      'codes_places',
      sql`${t.reserved} >= 0 and ${t.redeemed} >= 0 and ${t.reserved} + ${t.redeemed} <= ${t.maxRedemptions}`,
    ),
    check('codes_max_redemptions', sql`${t.maxRedemptions} >= 1`),
  ],
);

/** How a code is found: the HMAC of its text under each live pepper. */
export const codeHashes = pgTable('code_hashes', {
  hash: bytea().primaryKey(),
  codeId: uuid()
    .notNull()
    .references(() => codes.id),
  keyId: smallint().notNull(),
});

/** The keys that codes were hashed and sealed with, by a fingerprint, so that a start with other keys is refused. */
export const codeKeys = pgTable(
  'code_keys',
  {
    purpose: text().$type<'pepper' | 'seal'>().notNull(),
    keyId: smallint().notNull(),
    fingerprint: bytea().notNull(),
  },
  (t) => [primaryKey({ columns: [t.purpose, t.keyId] })],
);

/** Lengths of given codes: a text of such a length is looked up although its check character is wrong. */
export const givenCodeLengths = pgTable('given_code_lengths', { length: smallint().primaryKey() });

/** Uses of a group by a wallet, reserved and redeemed; kept only for groups with a limit per wallet. */
export const walletUses = pgTable(
  'wallet_uses',
  {
    groupId: uuid().notNull(),
    walletId: uuid().notNull(),
    uses: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.groupId, t.walletId] }), check('wallet_uses_uses', sql`${t.uses} >= 0`)],
);

/**
 * The verdict on a redemption id, final once written. No index holds `state`, so that completing a row stays a
 * heap-only update; rows still reserved are found by time, from `sweep_marks` on.
 */
export const redemptions = pgTable(
  'redemptions',
  {
    id: uuid().primaryKey(),
    codeId: uuid()
      .notNull()
      .references(() => codes.id),
    groupId: uuid().notNull(),
    walletId: uuid().notNull(),
    clientId: uuid().notNull(),
    createdAt: instant().notNull(),
    settledAt: instant(),
    amount: minorUnits().notNull(),
    currency: char({ length: 3 }).notNull(),
    version: integer().notNull().default(1),
    /** Which use of its code this redemption was, from 1. */
    useNumber: integer(),
    state: text().$type<'reserved' | 'completed' | 'released' | 'refused' | 'reversed'>().notNull(),
    reason: text(),
    reference: text(),
    workflowId: text().notNull(),
    /** Reversed, but the code's use stays spent. */
    placeKept: boolean().notNull().default(false),
    /** When it was told, by an event, that it is stuck: once. */
    stuckAt: instant(),
  },
  (t) => [
    index('redemptions_created').on(t.createdAt, t.id),
    index('redemptions_code').on(t.codeId, t.walletId),
    index('redemptions_wallet').on(t.walletId, t.createdAt),
    index('redemptions_group').on(t.groupId, t.createdAt),
    check('redemptions_state', sql`${t.state} in ('reserved', 'completed', 'released', 'refused', 'reversed')`),
    check('redemptions_reason', sql`(${t.state} in ('released', 'refused', 'reversed')) = (${t.reason} is not null)`),
    check('redemptions_use_number', sql`(${t.state} in ('completed', 'reversed')) = (${t.useNumber} is not null)`),
  ],
);

/** Every redemption created before `swept_to` is settled; the sweeper moves it forward. One row. */
export const sweepMarks = pgTable(
  'sweep_marks',
  { id: smallint().primaryKey().default(1), sweptTo: instant().notNull() },
  (t) => [check('sweep_marks_one', sql`${t.id} = 1`)],
);

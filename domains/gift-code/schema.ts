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
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

export { batchOfOne, outbox, outboxBatches } from '../../platform/outbox.schema.ts';

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
    /** How often a limit per wallet was set where there was none: what was counted of wallets before is out of date. */
    limitPeriod: integer().notNull().default(0),
    budget: minorUnits(),
    /** Amount reserved and redeemed; kept only while the group has a budget. */
    budgetUsed: bigint({ mode: 'bigint' }).notNull().default(sql`0`),
    disabled: boolean().notNull().default(false),
    metadata: jsonb().$type<Record<string, unknown>>().notNull().default(sql`'{}'`),
    /** The codes there are. */
    codeCount: integer().notNull(),
    /** Times that they may be redeemed, all together. */
    places: bigint({ mode: 'bigint' }).notNull().default(sql`0`),
    /** Positions given out so far, where they are more than the codes. */
    positions: integer().notNull().default(0),
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
    check('code_groups_places', sql`${t.places} >= ${t.codeCount}`),
  ],
);

/**
 * Codes that come into a group that exists: generated chunk by chunk, each of which moves `made`, or imported at once. Its
 * positions are its own from the start; those it does not use stay empty.
 */
export const codeAdditions = pgTable(
  'code_additions',
  {
    id: uuid().primaryKey(),
    groupId: uuid()
      .notNull()
      .references(() => codeGroups.id),
    kind: text().$type<'generated' | 'imported'>().notNull(),
    state: text().$type<GenerationState>().notNull(),
    made: integer().notNull(),
    total: integer().notNull(),
    /** Its codes have positions from here on. */
    firstPosition: integer().notNull(),
    /** SHA-256 of the request, to tell a repeat from another request under the same Idempotency-Key. */
    requestHash: bytea().notNull(),
    /** What an import answered, for its repeats. */
    report: jsonb().$type<ImportReport>(),
    createdAt: instant().notNull().defaultNow(),
    endedAt: instant(),
  },
  (t) => [
    index('code_additions_group').on(t.groupId, t.createdAt),
    // One generation of a group at a time; and how the sweeper finds those that run.
    uniqueIndex('code_additions_running').on(t.groupId).where(sql`${t.state} = 'running'`),
    check('code_additions_kind', sql`${t.kind} in ('generated', 'imported')`),
    check('code_additions_state', sql`${t.state} in ('running', 'done', 'cancelled', 'failed')`),
    check('code_additions_made', sql`${t.made} between 0 and ${t.total}`),
    check('code_additions_done', sql`${t.state} <> 'done' or ${t.kind} = 'imported' or ${t.made} = ${t.total}`),
    check('code_additions_ended', sql`(${t.state} = 'running') = (${t.endedAt} is null)`),
  ],
);

export type GenerationState = 'running' | 'done' | 'cancelled' | 'failed';

/** What became of the lines of an import. */
export interface ImportReport {
  imported: number;
  /** Codes that were there before, or earlier in the same file. */
  duplicates: number;
  /** The first of the lines that cannot be read, by their number in the file, from 1. */
  invalid: { line: number; reason: string }[];
  /** All the lines that cannot be read. */
  invalid_total: number;
}

/** A code: a gift code may be redeemed once, a coupon `max_redemptions` times. Its text is sealed. */
export const codes = pgTable(
  'codes',
  {
    id: uuid().primaryKey(),
    /** Of a code group; kept by a trigger, see docs/adr/0010. */
    groupId: uuid().notNull(),
    /** The code's place in its group, from 1, in the order of their coming; there may be gaps. */
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
    // Few, and seldom changed. Not of a counter: see the redemptions.
    index('codes_disabled').on(t.groupId).where(sql`${t.disabled}`),
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
  /** Of a code; kept by a trigger, see docs/adr/0010. */
  codeId: uuid().notNull(),
  keyId: smallint().notNull(),
});

/**
 * The keys that codes were hashed and sealed with, by a fingerprint, so that a start with other keys is refused; how they
 * rotate is told in docs/adr/0020.
 */
export const codeKeys = pgTable(
  'code_keys',
  {
    purpose: text().$type<'pepper' | 'seal'>().notNull(),
    keyId: smallint().notNull(),
    fingerprint: bytea().notNull(),
    /**
     * Codes up to this id have been hashed or sealed with it, all of them where it is `ALL_CODES`; looked after while there
     * are older keys. Of a pepper that is withdrawn: its hashes up to these bytes are gone. Its row stays, for whoever has it yet.
     */
    reached: uuid(),
    withdrawnAt: instant(),
  },
  (t) => [primaryKey({ columns: [t.purpose, t.keyId] })],
);

/** Lengths of given codes: a text of such a length is looked up although its check character is wrong. */
export const givenCodeLengths = pgTable('given_code_lengths', { length: smallint().primaryKey() });

/**
 * Uses of a group by a wallet, reserved and redeemed. Counted from its redemptions when they are first needed, and right
 * only while the group has the limit of that period: see docs/adr/0019.
 */
export const walletUses = pgTable(
  'wallet_uses',
  {
    groupId: uuid().notNull(),
    walletId: uuid().notNull(),
    uses: integer().notNull(),
    limitPeriod: integer().notNull().default(0),
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
    /** Of a code in the group; kept by a trigger, see docs/adr/0010. */
    codeId: uuid().notNull(),
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
    // Those of a batch are one entry: it has them made at one time.
    index('redemptions_client').on(t.clientId, t.createdAt),
    // Those that came to nothing or were reversed, without holding the state: a redemption that is completed has none either way.
    index('redemptions_reason').on(t.createdAt, t.id).where(sql`${t.reason} is not null`),
    index('redemptions_reference').on(t.reference, t.createdAt, t.id).where(sql`${t.reference} is not null`),
    check('redemptions_state', sql`${t.state} in ('reserved', 'completed', 'released', 'refused', 'reversed')`),
    check('redemptions_reason', sql`(${t.state} in ('released', 'refused', 'reversed')) = (${t.reason} is not null)`),
    check('redemptions_use_number', sql`(${t.state} in ('completed', 'reversed')) = (${t.useNumber} is not null)`),
    check(
      'redemptions_settled_at',
      sql`(${t.state} in ('completed', 'released', 'reversed')) = (${t.settledAt} is not null)`,
    ),
    check('redemptions_place_kept', sql`${t.state} = 'reversed' or not ${t.placeKept}`),
  ],
);

/** Redemptions that are being taken back, noted before the wallet is debited, and those that were. See docs/adr/0022. */
export const reversals = pgTable(
  'reversals',
  {
    redemptionId: uuid()
      .primaryKey()
      .references(() => redemptions.id),
    /** Made of the API client and its Idempotency-Key. */
    requestId: uuid().notNull(),
    /** The use of the code is to stay spent. */
    keepPlace: boolean().notNull(),
    reason: text().notNull(),
    /** How often it was asked for: what the wallet refuses is given up only if nobody has asked since. */
    asks: integer().notNull().default(1),
    begunAt: instant().notNull().defaultNow(),
    endedAt: instant(),
  },
  (t) => [
    uniqueIndex('reversals_request').on(t.requestId),
    index('reversals_under_way').on(t.begunAt, t.redemptionId).where(sql`${t.endedAt} is null`),
  ],
);

/** Every redemption created before `swept_to` is settled; the sweeper moves it forward. One row. */
export const sweepMarks = pgTable(
  'sweep_marks',
  { id: smallint().primaryKey().default(1), sweptTo: instant().notNull() },
  (t) => [check('sweep_marks_one', sql`${t.id} = 1`)],
);

/**
 * What the redemptions of a group created before `rolled_to` add up to; all of those are settled, and may only be reversed
 * yet. Moved forward by the sweeper, corrected by reversals, both under the lock of the group's row here: see docs/adr/0012.
 * Whoever deletes that row has all of it counted anew.
 */
export const rollups = pgTable(
  'rollups',
  {
    groupId: uuid()
      .primaryKey()
      .references(() => codeGroups.id),
    rolledTo: instant().notNull().default(sql`'-infinity'`),
    reversed: integer().notNull().default(0),
    /** Uses of codes that are spent: by completed redemptions, and by reversed ones that kept their place. */
    placesRedeemed: bigint({ mode: 'bigint' }).notNull().default(sql`0`),
    /** Codes whose uses are all spent so, disabled ones included. */
    codesUsed: integer().notNull().default(0),
    /** Codes whose uses are spent in part. */
    codesPartlyUsed: integer().notNull().default(0),
    /** Wallets with a completed redemption. */
    redeemers: integer().notNull().default(0),
  },
  (t) => [
    check(
      'rollups_counts',
      sql`least(${t.reversed}, ${t.placesRedeemed}, ${t.codesUsed}, ${t.codesPartlyUsed}, ${t.redeemers}) >= 0`,
    ),
  ],
);

/** Completed redemptions by the quarter of an hour they were settled in: the offsets of time zones are multiples of it. */
export const rollupQuarters = pgTable(
  'rollup_quarters',
  {
    groupId: uuid()
      .notNull()
      .references(() => rollups.groupId, { onDelete: 'cascade' }),
    /** Its begin. */
    quarter: instant().notNull(),
    completed: integer().notNull(),
    /** Minor units. */
    credited: numeric().notNull(),
    firstSettledAt: instant(),
    lastSettledAt: instant(),
    /** When the first and the last of those ever counted here were created: no index has the time they were settled. */
    createdFrom: instant().notNull(),
    createdTo: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.groupId, t.quarter] }),
    check('rollup_quarters_completed', sql`${t.completed} >= 0`),
    check('rollup_quarters_settled', sql`(${t.completed} > 0) = (${t.firstSettledAt} is not null)`),
  ],
);

/** Codes that have spent uses, by the block of positions that they are in: a list finds them among many that have none. */
export const rollupBlocks = pgTable(
  'rollup_blocks',
  {
    groupId: uuid()
      .notNull()
      .references(() => rollups.groupId, { onDelete: 'cascade' }),
    firstPosition: integer().notNull(),
    /** Codes with a spent use, disabled ones included. */
    codesTouched: integer().notNull(),
    /** Of these, codes whose uses are all spent. Not checked to be no more: the roll adds what came to each, in one upsert. */
    codesUsed: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.groupId, t.firstPosition] }),
    check('rollup_blocks_codes', sql`least(${t.codesTouched}, ${t.codesUsed}) >= 0`),
  ],
);

/** Completed redemptions by wallet. Rows are many, so that their rollup is checked once a statement: see docs/adr/0010. */
export const rollupRedeemers = pgTable(
  'rollup_redeemers',
  {
    groupId: uuid().notNull(),
    walletId: uuid().notNull(),
    completed: integer().notNull(),
    lastSettledAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.groupId, t.walletId] }),
    index('rollup_redeemers_last').on(t.groupId, t.lastSettledAt, t.walletId),
    check('rollup_redeemers_completed', sql`${t.completed} > 0`),
  ],
);

/** Spent uses of codes that have more than one; their rollup as that of wallets. */
export const rollupUses = pgTable(
  'rollup_uses',
  {
    groupId: uuid().notNull(),
    codeId: uuid().notNull(),
    spent: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.groupId, t.codeId] }), check('rollup_uses_spent', sql`${t.spent} >= 0`)],
);

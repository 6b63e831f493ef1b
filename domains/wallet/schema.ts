import { sql } from 'drizzle-orm';
import { bigint, char, check, index, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';

export { batchOfOne, outbox, outboxBatches } from '../../platform/outbox.schema.ts';

const instant = () => timestamp({ withTimezone: true, precision: 3, mode: 'date' });

/** One wallet a phone and currency. Balance and version move only together with a row in `transfers`. Minor units. */
export const wallets = pgTable(
  'wallets',
  {
    id: uuid().primaryKey(),
    phone: text().notNull(),
    currency: char({ length: 3 }).notNull(),
    balance: bigint({ mode: 'bigint' }).notNull().default(sql`0`),
    version: bigint({ mode: 'bigint' }).notNull().default(sql`1`),
    state: text().$type<'active' | 'frozen'>().notNull().default('active'),
    createdAt: instant().notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('wallets_phone_currency').on(t.phone, t.currency),
    index('wallets_created').on(t.createdAt, t.id),
    index('wallets_currency').on(t.currency, t.createdAt),
    index('wallets_frozen').on(t.createdAt, t.id).where(sql`${t.state} = 'frozen'`),
    check('wallets_balance', sql`${t.balance} between 0 and 9007199254740991`),
    check('wallets_state', sql`${t.state} in ('active', 'frozen')`),
  ],
);

/** The other side of every movement: where gift credit is issued from, and where operators move money from and to. */
export const systemAccounts = pgTable(
  'system_accounts',
  {
    id: uuid().primaryKey().defaultRandom(),
    name: text().$type<'issuance' | 'operator'>().notNull(),
    currency: char({ length: 3 }).notNull(),
  },
  (t) => [
    uniqueIndex('system_accounts_name_currency').on(t.name, t.currency),
    check('system_accounts_name', sql`${t.name} in ('issuance', 'operator')`),
  ],
);

/**
 * Every movement, double entry: `amount` leaves `debit_account` and enters `credit_account`. A redemption's transfer
 * has the redemption's id, and so has its void, which moves nothing: the primary key lets only one of them be.
 */
export const transfers = pgTable(
  'transfers',
  {
    id: uuid().primaryKey(),
    /** Of a wallet, if at all; kept by a trigger, see docs/adr/0010. */
    walletId: uuid(),
    debitAccount: uuid(),
    creditAccount: uuid(),
    clientId: uuid(),
    amount: bigint({ mode: 'bigint' }),
    balanceAfter: bigint({ mode: 'bigint' }),
    walletVersion: bigint({ mode: 'bigint' }),
    createdAt: instant().notNull().defaultNow(),
    currency: char({ length: 3 }),
    kind: text().$type<'redemption' | 'credit' | 'debit' | 'reversal' | 'void'>().notNull(),
    reason: text(),
    reference: text(),
    note: text(),
    /** Of a reversal: the redemption that it takes back. */
    reverses: uuid(),
  },
  (t) => [
    uniqueIndex('transfers_wallet_version').on(t.walletId, t.walletVersion),
    uniqueIndex('transfers_reference').on(t.kind, t.clientId, t.reference).where(sql`${t.reference} is not null`),
    check('transfers_kind', sql`${t.kind} in ('redemption', 'credit', 'debit', 'reversal', 'void')`),
    check(
      'transfers_movement',
      sql`case when ${t.kind} = 'void'
        then num_nonnulls(${t.amount}, ${t.currency}, ${t.debitAccount}, ${t.creditAccount}, ${t.balanceAfter}) = 0 and ${t.reason} is not null
        else num_nulls(${t.amount}, ${t.currency}, ${t.debitAccount}, ${t.creditAccount}, ${t.balanceAfter}, ${t.walletId}, ${t.walletVersion}) = 0
          and ${t.amount} > 0 and ${t.debitAccount} <> ${t.creditAccount} and ${t.walletId} in (${t.debitAccount}, ${t.creditAccount}) end`,
    ),
  ],
);

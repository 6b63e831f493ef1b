import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeGroupStats } from '../domains/gift-code/code-group-stats.ts';
import type { GiftCodeDatabase } from '../domains/gift-code/database.ts';
import { listRedemptions, type RedemptionFilter } from '../domains/gift-code/list-redemptions.ts';
import { type CodeState, listCodes } from '../domains/gift-code/read-codes.ts';
import { listRedeemers, type RedeemerFilter } from '../domains/gift-code/redeemers.ts';
import { rollRedemptions } from '../domains/gift-code/roll-redemptions.ts';
import { advanceSweepMark, staleRedemptions } from '../domains/gift-code/stale-redemptions.ts';
import type { WalletDatabase } from '../domains/wallet/database.ts';
import { listTransfers } from '../domains/wallet/read-transfers.ts';
import { listWallets } from '../domains/wallet/read-wallets.ts';
import type { Database } from '../platform/database.ts';
import { newId } from '../platform/ids.ts';
import {
  at,
  CLIENT_ID,
  createDatabases,
  makeCode,
  makeGroup,
  makeWallet,
  makeWallets,
  openTransaction,
  redemptionOf,
  runSaga,
  type TestDatabases,
} from './database.ts';

const MANY = 20_000;
/** Rows that may be read for a page, of all tables together: by far not many, but the 1,000 next codes. */
const FEW = 2_000;
const FUTURE = new Date('2100-01-01');
const PAST = new Date('2000-01-01');
const PAGE = 50;
const QUIET_CLIENT = '0198c0de-0000-7000-8000-000000000002';

let databases: TestDatabases;
/** All its codes are used, each by another wallet. */
const usedGroup = newId();
/** Of its codes few are not unused. */
const unusedGroup = newId();
/** Its codes are used from the first one on, the first 3,000. */
const begunGroup = newId();
/** Its one code has been used often, before all others. */
const couponGroup = newId();
let coupon: string;
/** Two redemptions. */
let busyWallet: string;

beforeAll(async () => {
  databases = await createDatabases();
  await seedGiftCode();
  await seedWallet();
});
afterAll(() => databases?.close());

async function seedGiftCode(): Promise<void> {
  const { giftCode, giftCodeDb } = databases;
  for (const id of [usedGroup, unusedGroup, begunGroup]) await makeGroup(databases, [1], { id });
  await giftCode.query(
    `insert into codes (id, group_id, position, max_redemptions, redeemed, last4, sealed, seal_key_id)
     select gen_random_uuid(), g.id, 10 + n, 1, (n <= g.used)::int, 'ABCD', '', 1
     from (values ($1::uuid, $4), ($2, 0), ($3, 3000)) g (id, used), generate_series(1, $4) n`,
    [usedGroup, unusedGroup, begunGroup, MANY],
  );
  const redeem = `insert into redemptions (id, code_id, group_id, wallet_id, client_id, created_at, settled_at, amount, currency,
      use_number, state, reason, reference, workflow_id)
    select gen_random_uuid(), c.id, c.group_id, gen_random_uuid(), coalesce(o.client, '${CLIENT_ID}')::uuid,
      now() - position * interval '1 second',
      case when coalesce(o.state, 'completed') not in ('reserved', 'refused') then now() - position * interval '1 second' + interval '10 ms' end, 1000, 'USD',
      case when coalesce(o.state, 'completed') in ('completed', 'reversed') then 1 end,
      coalesce(o.state, 'completed'), case when o.state <> 'reserved' then 'aborted' end, o.reference, 'w'
    from codes c left join `;
  await giftCode.query(
    `${redeem} (values (19001, 'refused', null, null), (19002, 'released', null, null), (19003, 'reversed', null, null),
      (19004, null, '${QUIET_CLIENT}', null), (19005, null, null, 'order-7')) o (position, state, client, reference)
     using (position) where c.group_id = $1 and position > 10`,
    [usedGroup],
  );
  await giftCode.query(
    `update codes set reserved = (position = 21)::int, redeemed = (position between 22 and 23)::int,
       max_redemptions = 1 + (position = 23)::int, disabled = position = 24
     where group_id = $1 and position between 21 and 24`,
    [unusedGroup],
  );
  await giftCode.query(
    `${redeem} (values (21, 'reserved', null, null)) o (position, state, client, reference) using (position)
     where c.group_id = $1 and position between 21 and 23`,
    [unusedGroup],
  );
  await giftCode.query(
    `${redeem} (values (0, null, null, null)) o (position, state, client, reference) using (position)
     where c.group_id = $1 and position between 11 and 3010`,
    [begunGroup],
  );
  coupon = (await makeCode(databases, MANY, { id: couponGroup })).codeId;
  await giftCode.query(
    `insert into redemptions (id, code_id, group_id, wallet_id, client_id, created_at, settled_at, amount, currency, use_number,
       state, workflow_id)
     select gen_random_uuid(), $1, $2, gen_random_uuid(), $3, t, t, 1000, 'USD', n, 'completed', 'w'
     from generate_series(1, 5000) n, lateral (select now() - interval '1 day' - n * interval '1 second' as t) at`,
    [coupon, couponGroup, CLIENT_ID],
  );
  await giftCode.query(
    `insert into reversals (redemption_id, request_id, keep_place, reason)
     select id, gen_random_uuid(), false, 'refunded' from redemptions where group_id = $1 and state = 'completed' order by id limit 2`,
    [usedGroup],
  );
  await giftCode.query("update sweep_marks set swept_to = now() - interval '1 minute'");
  await rollRedemptions(giftCodeDb, { piece: 5_000, trailMs: 0 });
  await giftCode.query('analyze');
}

async function seedWallet(): Promise<void> {
  const { wallet } = databases;
  busyWallet = await makeWallet(databases);
  await wallet.query(
    `insert into wallets (id, phone, currency, state, created_at)
     select gen_random_uuid(), '+1' || n, case when n = 9001 then 'EUR' else 'USD' end,
       case when n = 9002 then 'frozen' else 'active' end, now() - n * interval '1 second'
     from generate_series(1, $1::integer) n`,
    [MANY],
  );
  await wallet.query(
    `insert into transfers (id, wallet_id, debit_account, credit_account, amount, balance_after, wallet_version, currency, kind)
     select gen_random_uuid(), $1, $2, $1, 1, n, n + 1, 'USD', 'credit' from generate_series(1, $3::integer) n`,
    [busyWallet, randomUUID(), MANY],
  );
  await wallet.query('analyze');
}

/** What a sum over all tables of a database comes to, of what a transaction has done so far. */
async function counted(db: Pick<Database<never>, 'reads'>, sum: string): Promise<number> {
  const { rows } = await db.reads.query<{ sum: number }>(
    `select (${sum})::integer as sum from pg_stat_xact_user_tables`,
  );
  return at(rows, 0).sum;
}

/** What a call answers, and how many rows it had Postgres read. */
async function reading<Schema extends Record<string, unknown>, Answer>(
  database: Database<Schema>,
  call: (db: Database<Schema>) => Promise<Answer>,
): Promise<{ answer: Answer; rowsRead: number }> {
  const transaction = await openTransaction(database);
  const answer = await call(transaction.db);
  const rowsRead = await counted(transaction.db, 'sum(seq_tup_read + coalesce(idx_tup_fetch, 0))');
  await transaction.rollback();
  return { answer, rowsRead };
}

describe('a list reads few rows where few are meant or a page is full soon:', () => {
  type GiftCodeList = (db: GiftCodeDatabase) => Promise<unknown[]>;
  const redemptions = (filter: RedemptionFilter) => (db: GiftCodeDatabase) => listRedemptions(db, filter, PAGE);
  const codes = (groupId: string, state?: CodeState, beforePosition?: number) => (db: GiftCodeDatabase) =>
    listCodes(db, { groupId, state, beforePosition }, PAGE);
  const redeemers = (filter: RedeemerFilter) => (db: GiftCodeDatabase) => listRedeemers(db, usedGroup, filter, PAGE);
  const further = { after: { createdAt: new Date(Date.now() - 5_000_000), id: randomUUID() } };
  test.each<[string, number, GiftCodeList]>([
    ['all redemptions', PAGE, redemptions({})],
    ['those of a coupon that others came after', PAGE, (db) => redemptions({ codeId: coupon })(db)],
    ['redemptions, a page further on', PAGE, redemptions(further)],
    ['completed redemptions', PAGE, redemptions({ state: 'completed' })],
    ['reserved redemptions', 1, redemptions({ state: 'reserved' })],
    ['stuck redemptions, of which some are being reversed', 3, redemptions({ stuck: { is: true, before: FUTURE } })],
    ['stuck redemptions of long ago', 0, redemptions({ stuck: { is: true, before: PAST } })],
    ['redemptions that are not stuck', PAGE, redemptions({ stuck: { is: false, before: FUTURE } })],
    ['refused redemptions', 1, redemptions({ state: 'refused' })],
    ['released redemptions', 1, redemptions({ state: 'released' })],
    ['reversed redemptions', 1, redemptions({ state: 'reversed' })],
    ['reversed redemptions of a group', 0, redemptions({ state: 'reversed', groupId: unusedGroup })],
    ['redemptions of a group', 3, redemptions({ groupId: unusedGroup })],
    ['redemptions of a busy client', PAGE, redemptions({ clientId: CLIENT_ID })],
    ['redemptions of a quiet client', 1, redemptions({ clientId: QUIET_CLIENT })],
    ['redemptions of an unknown client', 0, redemptions({ clientId: randomUUID() })],
    ['redemptions of a wallet', 0, redemptions({ walletIds: [randomUUID()] })],
    ['redemptions of a code', 0, redemptions({ codeId: randomUUID() })],
    ['redemptions by their reference', 1, redemptions({ reference: 'order-7' })],
    ['codes', PAGE, codes(unusedGroup)],
    ['unused codes', PAGE, codes(unusedGroup, 'unused')],
    ['used codes', 1, codes(unusedGroup, 'used')],
    ['reserved codes', 1, codes(unusedGroup, 'reserved')],
    ['codes used in part', 1, codes(unusedGroup, 'partly_used')],
    ['disabled codes', 1, codes(unusedGroup, 'disabled')],
    ['used codes among many', PAGE, codes(usedGroup, 'used')],
    ['used codes before many unused ones', PAGE, codes(begunGroup, 'used')],
    ['used codes before many unused ones, a page further on', PAGE, codes(begunGroup, 'used', 2_000)],
    ['codes used in part where all have one use', 0, codes(usedGroup, 'partly_used')],
    ['redeemers', PAGE, redeemers({})],
    ['redeemers, a page further on', PAGE, redeemers(further)],
  ])('%s', async (_, items, list) => {
    const { answer, rowsRead } = await reading(databases.giftCodeDb, list);
    expect(answer).toHaveLength(items);
    expect(rowsRead).toBeLessThan(FEW);
  });

  type WalletList = (db: WalletDatabase) => Promise<unknown[]>;
  test.each<[string, number, WalletList]>([
    ['all wallets', PAGE, (db) => listWallets(db, {}, PAGE)],
    ['wallets of a phone', 1, (db) => listWallets(db, { phone: '+17' }, PAGE)],
    ['frozen wallets', 1, (db) => listWallets(db, { state: 'frozen' }, PAGE)],
    ['active wallets', PAGE, (db) => listWallets(db, { state: 'active' }, PAGE)],
    ['wallets of a rare currency', 1, (db) => listWallets(db, { currency: 'EUR' }, PAGE)],
    ['wallets of a common currency', PAGE, (db) => listWallets(db, { currency: 'USD' }, PAGE)],
    ['transactions of a wallet', PAGE, (db) => listTransfers(db, { walletId: busyWallet }, PAGE)],
  ])('%s', async (_, items, list) => {
    const { answer, rowsRead } = await reading(databases.walletDb, list);
    expect(answer).toHaveLength(items);
    expect(rowsRead).toBeLessThan(FEW);
  });

  test('redemptions that have been reserved for long', async () => {
    const { answer, rowsRead } = await reading(databases.giftCodeDb, (db) =>
      staleRedemptions(db, 5_000, undefined, 100),
    );
    expect(answer).toHaveLength(1);
    expect(rowsRead).toBeLessThan(FEW);
  });

  test('a sweep that finds nothing new', async () => {
    const { answer, rowsRead } = await reading(databases.giftCodeDb, async (db) => {
      await advanceSweepMark(db, 60_000);
      return await rollRedemptions(db, { piece: 1_000, trailMs: 0 });
    });
    expect(answer).toBe(0);
    expect(rowsRead).toBeLessThan(FEW);
  });

  test.each<[string, Date | undefined]>([
    ['statistics', undefined],
    ['statistics up to now', new Date()],
  ])('%s', async (_, to) => {
    const days = { from: undefined, to, timeZone: 'UTC' };
    const { answer, rowsRead } = await reading(databases.giftCodeDb, (db) => codeGroupStats(db, usedGroup, days));
    expect(answer?.completed).toBe(BigInt(MANY - 3));
    expect(rowsRead).toBeLessThan(FEW);
  });
});

test('a redemption that is reserved, credited and completed updates rows without writing to an index', async () => {
  const { codeIds } = await makeGroup(databases, [1, 1, 5], { budget: 9_000n, perWalletLimit: 2 });
  const walletIds = await makeWallets(databases, 3);
  const giftCode = await openTransaction(databases.giftCodeDb);
  const wallet = await openTransaction(databases.walletDb);
  const items = codeIds.map((codeId, index) => redemptionOf(codeId, { walletId: at(walletIds, index) }));
  await runSaga({ ...databases, giftCodeDb: giftCode.db, walletDb: wallet.db }, items, 'w');
  for (const { db, rollback } of [giftCode, wallet]) {
    expect(await counted(db, 'sum(n_tup_upd)')).toBeGreaterThanOrEqual(3);
    expect(await counted(db, 'sum(n_tup_upd - n_tup_hot_upd)')).toBe(0);
    await rollback();
  }
});

import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../platform/ids.ts';
import type { CreatedBetween } from '../../platform/newest-first.ts';
import {
  at,
  createDatabases,
  hold,
  makeCode,
  makeGroup,
  openTransaction,
  redemptionOf,
  type TestDatabases,
  TIMEOUT_MS,
  untilWaiting,
} from '../../test/database.ts';
import { readGiftCodeBooks } from './books.ts';
import { codeGroupStats, type DayRange } from './code-group-stats.ts';
import { confirm } from './confirm.ts';
import type { GiftCodeDatabase } from './database.ts';
import { importCodes } from './import-codes.ts';
import { listCodes } from './read-codes.ts';
import { listRedeemers } from './redeemers.ts';
import { release } from './release.ts';
import { type ReserveItem, reserve } from './reserve.ts';
import { reverseRedemption } from './reverse-redemption.ts';
import { rollRedemptions } from './roll-redemptions.ts';
import { updateCode } from './update-code.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await createDatabases();
});
afterAll(() => databases?.close());

const ALL_DAYS: DayRange = { from: undefined, to: undefined, timeZone: 'UTC' };
const idsOf = (items: ReserveItem[]) => items.map(({ redemptionId }) => redemptionId);
const roll = (db: GiftCodeDatabase = databases.giftCodeDb, piece = 1_000) => rollRedemptions(db, { piece, trailMs: 0 });
const take = (items: ReserveItem[], db: GiftCodeDatabase = databases.giftCodeDb) => reserve(db, items, 'w', TIMEOUT_MS);
const complete = (items: ReserveItem[], db: GiftCodeDatabase = databases.giftCodeDb) =>
  confirm(db, idsOf(items), 'w', TIMEOUT_MS);
const reverse = (redemptionId: string, keepPlace = false, db: GiftCodeDatabase = databases.giftCodeDb) =>
  reverseRedemption(db, { redemptionId, keepPlace, reason: 'refund' }, TIMEOUT_MS);
const undo = (items: ReserveItem[]) =>
  release(
    databases.giftCodeDb,
    items.map((item) => ({ ...item, reason: 'aborted' })),
    'w',
    TIMEOUT_MS,
  );

/** Redeems a code as often as that. */
async function redeem(codeId: string, times: number): Promise<ReserveItem[]> {
  const items = Array.from({ length: times }, () => redemptionOf(codeId));
  await take(items);
  await complete(items);
  // A rollup stays two milliseconds behind the present.
  await setTimeout(5);
  return items;
}

/** Redemptions of a group that its rollup has counted, and how far it has come. */
async function rollup(groupId: string): Promise<{ rolled: number; rolled_to: Date }> {
  const { rows } = await databases.giftCode.query(
    `select count(r.id)::int as rolled, rolled_to from rollups u
     left join redemptions r on r.group_id = u.group_id and r.created_at < u.rolled_to
     where u.group_id = $1 group by rolled_to`,
    [groupId],
  );
  return rows[0];
}

/** The statistics as they are by definition: counted from all rows. */
async function counted(groupId: string, { from, to, timeZone }: DayRange): Promise<object> {
  const { rows } = await databases.giftCodeDb.reads.query(
    `select c.*, r.*, d.* from (
      select count(*) as total,
        count(*) filter (where state = 'disabled') as disabled,
        count(*) filter (where state = 'used') as used,
        count(*) filter (where state = 'reserved') as reserved,
        count(*) filter (where state = 'partly_used') as partly_used,
        count(*) filter (where state = 'unused') as unused,
        coalesce(sum(max_redemptions), 0)::bigint as places_total,
        coalesce(sum(redeemed), 0)::bigint as places_redeemed,
        coalesce(sum(codes.reserved), 0)::bigint as places_reserved
      from (select *, code_state_1(disabled, redeemed, reserved, max_redemptions) as state from codes where group_id = $1) codes
    ) c cross join (
      select count(*) filter (where state = 'completed') as completed,
        count(*) filter (where state = 'reversed') as reversed,
        coalesce(sum(amount) filter (where state = 'completed'), 0)::text as credited,
        count(distinct wallet_id) filter (where state = 'completed') as redeemers,
        min(settled_at) filter (where state = 'completed') as first_redeemed_at,
        max(settled_at) filter (where state = 'completed') as last_redeemed_at
      from redemptions where group_id = $1
    ) r cross join (
      select coalesce(jsonb_agg(d order by date), '[]') as per_day from (
        select to_char(settled_at at time zone $2, 'YYYY-MM-DD') as date, count(*) as completed, sum(amount)::text as credited
        from redemptions
        where group_id = $1 and state = 'completed'
          and settled_at >= coalesce($3::timestamptz, '-infinity') and settled_at < coalesce($4::timestamptz, 'infinity')
        group by 1
      ) d
    ) d`,
    [groupId, timeZone, from ?? null, to ?? null],
  );
  return at(rows, 0);
}

async function expectExact(groupId: string, range = ALL_DAYS, what = ''): Promise<void> {
  const [stats, expected] = [await codeGroupStats(databases.giftCodeDb, groupId, range), await counted(groupId, range)];
  expect(stats, `${what} ${JSON.stringify(range)}`).toEqual(expected);
}

/** The lists of codes by state, page by page, against the states of all codes. */
async function expectListed(groupId: string, created: CreatedBetween, pageLength: number, what = ''): Promise<void> {
  const { rows } = await databases.giftCodeDb.reads.query(
    `select id, position, code_state_1(disabled, redeemed, reserved, max_redemptions) as state from codes
     where group_id = $1
       and created_at >= coalesce($2::timestamptz, '-infinity') and created_at < coalesce($3::timestamptz, 'infinity')
     order by position desc`,
    [groupId, created.createdFrom ?? null, created.createdTo ?? null],
  );
  for (const state of ['disabled', 'used', 'reserved', 'partly_used', 'unused'] as const) {
    const expected = rows.filter((row) => row.state === state);
    for (let first = 0; first <= expected.length; first += pageLength) {
      const filter = { ...created, groupId, state, beforePosition: expected[first - 1]?.position };
      const listed = await listCodes(databases.giftCodeDb, filter, pageLength);
      const ids = expected.slice(first, first + pageLength).map(({ id }) => id);
      expect(
        listed.map(({ id }) => id),
        `${what} ${state} from ${first} on`,
      ).toEqual(ids);
    }
  }
}

/** The list of redeemers, page by page, against all rows. */
async function expectRedeemers(groupId: string, created: CreatedBetween, pageLength: number, what = ''): Promise<void> {
  const { rows } = await databases.giftCodeDb.reads.query(
    `select wallet_id, count(*) as redemptions, sum(amount)::text as credited, max(settled_at) as last_redeemed_at
     from redemptions
     where group_id = $1 and state = 'completed'
       and created_at >= coalesce($2::timestamptz, '-infinity') and created_at < coalesce($3::timestamptz, 'infinity')
     group by wallet_id order by last_redeemed_at desc, wallet_id desc`,
    [groupId, created.createdFrom ?? null, created.createdTo ?? null],
  );
  for (let first = 0; first <= rows.length; first += pageLength) {
    const last = rows[first - 1];
    const after = last && { createdAt: last.last_redeemed_at, id: last.wallet_id };
    const listed = await listRedeemers(databases.giftCodeDb, groupId, { ...created, after }, pageLength);
    expect(listed, `${what} from ${first} on`).toEqual(rows.slice(first, first + pageLength));
  }
}

const faults = async () => (await readGiftCodeBooks(databases.giftCodeDb, new Date())).faults.told;

/** Numbers from 0 to below 1, always the same ones: Mulberry32. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The last one's midnights lie in the middle of a quarter of an hour, as no zone's in use do. */
const ZONES = ['UTC', 'Asia/Kathmandu', 'Asia/Tehran', 'America/St_Johns', 'Australia/Lord_Howe', '<+0007>-00:07'];
/** Clocks are put forward or back in most of these zones in these weeks. */
const FIRST_DAY = Date.parse('2026-03-05T00:00:00Z');
const DAYS = 35;
const QUARTER_MS = 900_000;
const QUARTERS_OF_DAY = 96;
const SPLIT_MS = [0, 0, 0, 1, QUARTER_MS - 1, 431_007];

describe('the statistics of groups', () => {
  test.each([1, 2, 3])(
    'are what the rows add up to, whatever happened and however much is rolled up: seed %i',
    async (seed) => {
      const random = numbersFrom(seed);
      const below = (count: number) => Math.floor(random() * count);
      const pick = <T>(list: T[]) => at(list, below(list.length));
      /** Often about midnight, the begin of a quarter, its end, or the same as another one. */
      const instant = () => {
        const quarter = random() < 0.5 ? QUARTERS_OF_DAY - 1 : below(QUARTERS_OF_DAY);
        return new Date(FIRST_DAY + below(DAYS) * 86_400_000 + quarter * QUARTER_MS + pick(SPLIT_MS));
      };
      const { giftCodeDb: db, giftCode, keys } = databases;
      const groups = [
        await makeGroup(databases, Array(12).fill(1)),
        await makeGroup(databases, [1, 2, 3, 5, 8, 2, 1, 40]),
        await makeGroup(databases, [3, 3, 3, 1, 1], { perWalletLimit: 2, budget: 12_000n }),
      ];
      // The codes of the first two in blocks of their own.
      await giftCode.query('update codes set position = position * 130 where group_id = any($1)', [
        groups.slice(0, 2).map(({ groupId }) => groupId),
      ]);
      const wallets = Array.from({ length: 9 }, () => randomUUID());
      let open: ReserveItem[] = [];
      let completed: string[] = [];
      /** Takes some out of the open ones. */
      const some = () => {
        const chosen = new Set(open.filter(() => random() < 0.5));
        open = open.filter((item) => !chosen.has(item));
        return [...chosen];
      };
      const newItems = () =>
        Array.from({ length: 1 + below(4) }, () =>
          redemptionOf(pick(pick(groups).codeIds), { walletId: pick(wallets) }),
        );

      const steps: Record<string, () => Promise<unknown>> = {
        async reserve() {
          const items = newItems();
          const verdicts = await take(items);
          open.push(...items.filter((_, index) => at(verdicts, index).state === 'reserved'));
        },
        async confirm() {
          const chosen = some();
          await complete(chosen);
          completed.push(...idsOf(chosen));
          for (const { redemptionId } of chosen) {
            await giftCode.query('update redemptions set settled_at = $1 where id = $2', [instant(), redemptionId]);
          }
        },
        release: () => undo(random() < 0.2 ? newItems() : some()),
        async reverse() {
          const id = completed[below(completed.length)];
          if (id === undefined) return;
          completed = completed.filter((other) => other !== id);
          expect(await reverse(id, random() < 0.4)).toBe('reversed');
        },
        disable: () => updateCode(db, pick(pick(groups).codeIds), { disabled: random() < 0.5 }),
        async import() {
          const group = pick(groups);
          const codes = Array.from({ length: 1 + below(3) }, () => {
            return { text: `I${randomUUID().replaceAll('-', '').toUpperCase()}`, maxRedemptions: 1 + below(3) };
          });
          const request = { id: newId(), groupId: group.groupId, codes, requestHash: Buffer.alloc(32) };
          const imported = await importCodes(db, keys, { ...request, invalid: { invalid: [], invalid_total: 0 } });
          expect(imported).toMatchObject({ ok: true, report: { imported: codes.length } });
          const { rows } = await giftCode.query('select id from codes where group_id = $1', [group.groupId]);
          group.codeIds = rows.map(({ id }) => id).sort();
        },
        async rollOnce() {
          await rollRedemptions(db, { piece: 1 + below(5), trailMs: 0 }, () => false);
        },
        roll: () => roll(db, 1 + below(9)),
      };
      const wanted =
        'reserve reserve reserve confirm confirm confirm release reverse reverse disable import rollOnce roll';
      for (let step = 0; step < 250; step++) {
        const name = pick(wanted.split(' '));
        await steps[name]?.();
        const range = { from: random() < 0.5 ? instant() : undefined, to: random() < 0.5 ? instant() : undefined };
        for (const { groupId } of groups)
          await expectExact(groupId, { ...range, timeZone: pick(ZONES) }, `${step} ${name}`);
        const lately = () => (random() < 0.3 ? new Date(Date.now() - below(2_000)) : undefined);
        const created = { createdFrom: lately(), createdTo: lately() };
        for (const { groupId } of groups) {
          await expectRedeemers(groupId, created, 1 + below(9), `${step} ${name}`);
          if (step % 5 === 0) await expectListed(groupId, created, 1 + below(9), `${step} ${name}`);
        }
      }
      await complete(some());
      await undo(open);
      await roll();
      for (const { groupId } of groups) {
        for (const timeZone of ZONES) await expectExact(groupId, { ...ALL_DAYS, timeZone });
        expect((await rollup(groupId)).rolled).toBeGreaterThan(10);
      }
      expect(await faults()).toEqual([]);
    },
  );

  test('are nothing where there is no such group', async () => {
    expect(await codeGroupStats(databases.giftCodeDb, newId(), ALL_DAYS)).toBeUndefined();
  });
});

describe('a rollup', () => {
  test('stops at a redemption that is still reserved, and goes on when it is settled', async () => {
    const { groupId, codeId } = await makeCode(databases, 9);
    await redeem(codeId, 2);
    const slow = redemptionOf(codeId);
    await take([slow]);
    await redeem(codeId, 3);
    await roll();
    expect((await rollup(groupId)).rolled).toBe(2);
    await expectExact(groupId);
    await undo([slow]);
    await roll();
    expect((await rollup(groupId)).rolled).toBe(6);
    await expectExact(groupId);
  });

  test('of redemptions made in the same moment takes them all, however small its pieces', async () => {
    const { groupId, codeId } = await makeCode(databases, 20);
    await redeem(codeId, 7);
    await redeem(codeId, 7);
    const stopped = await rollRedemptions(databases.giftCodeDb, { piece: 3, trailMs: 0 }, () => false);
    expect(stopped).toBeGreaterThanOrEqual(7);
    await expectExact(groupId);
    await roll(databases.giftCodeDb, 3);
    expect((await rollup(groupId)).rolled).toBe(14);
    await expectExact(groupId);
  });

  test('comes before those that were moved later, so that none is left out where there are too many', async () => {
    const [before, behind] = [await makeCode(databases, 9), await makeCode(databases, 9)];
    await redeem(before.codeId, 1);
    await roll();
    await redeem(before.codeId, 1);
    await redeem(behind.codeId, 1);
    const isMoved = async ({ groupId }: { groupId: string }, to: number) => (await rollup(groupId))?.rolled === to;
    let inOrder: boolean | undefined;
    await rollRedemptions(databases.giftCodeDb, { piece: 10, trailMs: 0 }, async () => {
      if (await isMoved(before, 2)) inOrder ??= await isMoved(behind, 1);
      return true;
    });
    expect(inOrder).toBe(true);
    expect(await isMoved(before, 2)).toBe(true);
  });

  test('stays behind what is younger than its trail', async () => {
    const { groupId, codeId } = await makeCode(databases, 2);
    await redeem(codeId, 1);
    expect(await rollRedemptions(databases.giftCodeDb, { piece: 10, trailMs: 3_600_000 })).toBe(0);
    await expectExact(groupId);
  });

  test('does not pass a reservation whose transaction is open, nor any begun after that', async () => {
    const { groupId, codeIds } = await makeGroup(databases, [2, 9]);
    const [code, other] = [at(codeIds, 0), at(codeIds, 1)];
    await redeem(other, 2);
    const late = redemptionOf(code);
    const first = await openTransaction(databases.giftCodeDb);
    await take([late], first.db);
    await redeem(other, 3);
    await roll();
    const { rolled, rolled_to } = await rollup(groupId);
    expect(rolled).toBe(2);
    await first.commit();
    const { rows } = await databases.giftCode.query('select created_at from redemptions where id = $1', [
      late.redemptionId,
    ]);
    expect(rolled_to.getTime()).toBeLessThanOrEqual(rows[0].created_at.getTime());
    await expectExact(groupId);
    await complete([late]);
    await roll();
    expect((await rollup(groupId)).rolled).toBe(6);
    await expectExact(groupId);
  });

  test('does not pass a reservation that waits for a lock and has written nothing yet', async () => {
    const { groupId, codeIds } = await makeGroup(databases, [2, 9]);
    const [code, other] = [at(codeIds, 0), at(codeIds, 1)];
    const lock = await hold(databases.giftCodeDb, 'select from codes where id = $1 for update', [code]);
    const late = redemptionOf(code);
    const taken = take([late]);
    await untilWaiting(databases.giftCode);
    await redeem(other, 3);
    await roll();
    await lock.free();
    expect(await taken).toMatchObject([{ state: 'reserved' }]);
    await expectExact(groupId);
    await complete([late]);
    await roll();
    await expectExact(groupId);
    expect((await rollup(groupId)).rolled).toBe(4);
  });

  // The first roll makes the group's row, and who comes second waits for that; later it is for the row's lock.
  describe.each([0, 2])('that has counted %i', (earlier) => {
    async function makeBehind(): Promise<{ groupId: string; items: ReserveItem[] }> {
      const { groupId, codeId } = await makeCode(databases, earlier + 5);
      await redeem(codeId, earlier);
      await roll();
      return { groupId, items: await redeem(codeId, 5) };
    }

    test('and that two move at once counts nothing twice', async () => {
      const { groupId } = await makeBehind();
      const first = await openTransaction(databases.giftCodeDb);
      expect(await roll(first.db)).toBe(5);
      const second = roll();
      await untilWaiting(databases.giftCode);
      await first.commit();
      expect(await second).toBe(0);
      expect((await rollup(groupId)).rolled).toBe(earlier + 5);
      await expectExact(groupId);
    });

    test('and whose mover fails has counted nothing', async () => {
      const { groupId } = await makeBehind();
      const first = await openTransaction(databases.giftCodeDb);
      expect(await roll(first.db)).toBe(5);
      const second = roll();
      await untilWaiting(databases.giftCode);
      await first.rollback();
      expect(await second).toBe(5);
      await expectExact(groupId);
    });

    test.each([false, true])('counts what a reversal under way leaves, its place kept: %s', async (keepPlace) => {
      const { groupId, items } = await makeBehind();
      const reversal = await openTransaction(databases.giftCodeDb);
      await reverse(at(items, 1).redemptionId, keepPlace, reversal.db);
      const rolled = roll();
      await untilWaiting(databases.giftCode);
      await reversal.commit();
      expect(await rolled).toBe(5);
      await expectExact(groupId);
    });

    test.each([false, true])(
      'and is moved is corrected by a reversal that waits, its place kept: %s',
      async (keepPlace) => {
        const { groupId, items } = await makeBehind();
        const mover = await openTransaction(databases.giftCodeDb);
        expect(await roll(mover.db)).toBe(5);
        const reversed = reverse(at(items, 4).redemptionId, keepPlace);
        await untilWaiting(databases.giftCode);
        await mover.commit();
        expect(await reversed).toBe('reversed');
        await expectExact(groupId);
        expect(await codeGroupStats(databases.giftCodeDb, groupId, ALL_DAYS)).toMatchObject({
          completed: BigInt(earlier + 4),
          reversed: 1n,
          used: keepPlace ? 1n : 0n,
          partly_used: keepPlace ? 0n : 1n,
        });
      },
    );
  });

  test('that is deleted is made anew', async () => {
    const { groupId, codeId } = await makeCode(databases, 9);
    const items = await redeem(codeId, 5);
    await roll();
    await reverse(at(items, 0).redemptionId);
    await databases.giftCode.query('delete from rollups where group_id = $1', [groupId]);
    await expectExact(groupId);
    await reverse(at(items, 1).redemptionId);
    await roll();
    expect((await rollup(groupId)).rolled).toBe(5);
    await expectExact(groupId);
  });

  test.each([
    ['rollup_redeemers', '1, now()'],
    ['rollup_uses', '1'],
  ])('is there for each row of %s, which goes with it', async (table, counts) => {
    const { groupId, codeId } = await makeCode(databases, 9);
    await redeem(codeId, 2);
    await roll();
    const query = async (text: string, values: unknown[]) => (await databases.giftCode.query(text, values)).rowCount;
    const refused = (text: string, values: unknown[]) =>
      expect(query(text, values)).rejects.toMatchObject({ code: expect.stringMatching(/^23/) });
    const add = `insert into ${table} select u, gen_random_uuid(), ${counts} from unnest($1::uuid[]) u`;
    await refused(add, [[groupId, randomUUID()]]);
    expect(await query(add, [[groupId]])).toBe(1);
    await refused(`update ${table} set group_id = $2 where group_id = $1`, [groupId, randomUUID()]);
    await refused('update rollups set group_id = $2 where group_id = $1', [groupId, randomUUID()]);

    const rows = `select from ${table} where group_id = $1`;
    expect(await query(rows, [groupId])).toBeGreaterThan(1);
    await query('delete from rollups where group_id = $1', [groupId]);
    expect(await query(rows, [groupId])).toBe(0);
  });

  test('that is being moved is deleted with all that was added to it meanwhile', async () => {
    const { groupId, codeId } = await makeCode(databases, 9);
    await redeem(codeId, 2);
    await roll();
    await redeem(codeId, 2);
    const move = await openTransaction(databases.giftCodeDb);
    await roll(move.db);
    const deleted = databases.giftCodeDb.reads.query('delete from rollups where group_id = $1', [groupId]);
    await untilWaiting(databases.giftCode);
    await move.commit();
    expect((await deleted).rowCount).toBe(1);
    const { rows } = await databases.giftCode.query('select from rollup_redeemers where group_id = $1', [groupId]);
    expect(rows).toEqual([]);
    await expectExact(groupId);
    await roll();
    await expectExact(groupId);
  });
});

describe('books', () => {
  test.each([
    ["update rollups set rolled_to = now() + interval '1 second'", 'passed over settled'],
    ['update rollups set redeemers = redeemers + 1', 'redemptions and codes'],
    ['update rollups set codes_used = codes_used + 1, codes_partly_used = 0', 'redemptions and codes'],
    ['update rollup_quarters set credited = credited + 1', 'quarters of an hour'],
    ["update rollup_quarters set quarter = quarter - interval '1 hour'", 'quarters of an hour'],
    ["update rollup_quarters set created_to = created_to - interval '1 hour'", 'quarters of an hour'],
    ['delete from rollup_redeemers', 'what each wallet redeemed'],
    ["update rollup_redeemers set last_settled_at = now() + interval '1 hour'", 'what each wallet redeemed'],
    ['update rollup_uses set spent = spent + 1', 'uses of each code'],
    ['update rollup_blocks set codes_used = codes_used + 1', 'codes of each block'],
    ['update rollup_blocks set first_position = first_position + 100', 'codes of each block'],
    ['update code_groups set places = places + 1', 'its codes and their uses'],
  ])('do not balance after: %s', async (text, rule) => {
    const { groupId, codeId } = await makeCode(databases, 9);
    await redeem(codeId, 2);
    await roll();
    await take([redemptionOf(codeId)]);
    const { rowCount } = await databases.giftCode.query(
      `${text} where ${text.includes('code_groups') ? 'id' : 'group_id'} = $1`,
      [groupId],
    );
    expect(rowCount).toBeGreaterThan(0);
    const mine = (await faults()).filter(({ id }) => id === groupId);
    expect(mine.map((fault) => fault.rule)).toContainEqual(expect.stringContaining(rule));
  });
});

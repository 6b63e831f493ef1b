import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  at,
  createDatabases,
  deadlocks,
  makeCode,
  makeGroup,
  makeWallets,
  openTransaction,
  redemptionOf,
  runAbort,
  runSaga,
  TIMEOUT_MS,
  untilWaiting,
} from '../../test/database.ts';
import { forFile } from '../../test/harness.ts';
import { readGiftCodeBooks } from './books.ts';
import { checkCode } from './check-code.ts';
import { confirm } from './confirm.ts';
import { release } from './release.ts';
import { type ReserveItem, reserve } from './reserve.ts';
import { reverseRedemption } from './reverse-redemption.ts';
import { rollRedemptions } from './roll-redemptions.ts';
import { type CodeGroupChanges, updateCodeGroup } from './update-code-group.ts';

const databases = await forFile(createDatabases());
type Db = typeof databases.giftCodeDb;

const change = (groupId: string, changes: CodeGroupChanges, db = databases.giftCodeDb) =>
  updateCodeGroup(db, groupId, changes, undefined);
const take = async (item: ReserveItem, db = databases.giftCodeDb) => {
  const { state, reason } = at(await reserve(db, [item], 'w', TIMEOUT_MS), 0);
  return reason ?? state;
};
const undo = (item: ReserveItem, db = databases.giftCodeDb) =>
  release(db, [{ ...item, reason: 'aborted' }], 'undo', TIMEOUT_MS);
const complete = (...items: ReserveItem[]) =>
  confirm(
    databases.giftCodeDb,
    items.map(({ redemptionId }) => redemptionId),
    'w',
    TIMEOUT_MS,
  );
const takeBack = ({ redemptionId }: ReserveItem, db = databases.giftCodeDb) =>
  reverseRedemption(db, { redemptionId, keepPlace: false, reason: 'reversed: refunded' }, TIMEOUT_MS);

const faults = async (db = databases.giftCodeDb) => (await readGiftCodeBooks(db, new Date())).faults.told;

async function usesOf(groupId: string): Promise<number[]> {
  const { rows } = await databases.giftCode.query('select uses from wallet_uses where group_id = $1', [groupId]);
  return rows.map(({ uses }) => uses);
}
async function budgetUsed(groupId: string): Promise<bigint> {
  const { rows } = await databases.giftCode.query('select budget_used from code_groups where id = $1', [groupId]);
  return BigInt(rows[0].budget_used);
}

describe('a limit per wallet that is set late', () => {
  test('counts nobody until somebody comes, and then what the wallet has used', async () => {
    const { groupId, codeIds } = await makeGroup(databases, [9, 9]);
    const walletId = randomUUID();
    const mine = codeIds.map((codeId) => redemptionOf(codeId, { walletId }));
    await reserve(databases.giftCodeDb, mine, 'w', TIMEOUT_MS);
    await complete(at(mine, 0));
    const lost = redemptionOf(at(codeIds, 0), { walletId });
    await take(lost);
    await undo(lost);
    await change(groupId, { perWalletLimit: 2 });
    expect(await usesOf(groupId)).toEqual([]);
    expect(await take(redemptionOf(at(codeIds, 1), { walletId }))).toBe('per-wallet-limit');
    expect(await usesOf(groupId)).toEqual([2]);
    expect(await take(redemptionOf(at(codeIds, 1)))).toBe('reserved');
  });

  test('is told by a check before anybody was counted', async () => {
    const { groupId, codeId } = await makeCode(databases, 9);
    const walletId = randomUUID();
    await take(redemptionOf(codeId, { walletId }));
    await change(groupId, { perWalletLimit: 1 });
    const { rows } = await databases.giftCode.query('select hash from code_hashes where code_id = $1', [codeId]);
    const refusal = async (wallet?: string) =>
      (await checkCode(databases.giftCodeDb, [rows[0].hash], undefined, wallet))?.refusal;
    expect([await refusal(walletId), await refusal(randomUUID()), await refusal()]).toEqual([
      'per-wallet-limit',
      null,
      null,
    ]);
  });

  test('waits for a reservation that is under way', async () => {
    const { groupId, codeId } = await makeCode(databases, 9);
    const walletId = randomUUID();
    const first = await openTransaction(databases.giftCodeDb);
    await take(redemptionOf(codeId, { walletId }), first.db);
    const changed = change(groupId, { perWalletLimit: 1 });
    await untilWaiting(databases.giftCode);
    await first.commit();
    await changed;
    expect(await take(redemptionOf(codeId, { walletId }))).toBe('per-wallet-limit');
  });
});

describe('the first two that need what a wallet has used, at once', () => {
  const ways: [name: string, act: (item: ReserveItem, db?: Db) => Promise<unknown>, isCompleted: boolean][] = [
    ['a release', undo, false],
    ['a reversal', takeBack, true],
  ];
  for (const [name, giveBack, isCompleted] of ways) {
    /** A wallet with a redemption of a group whose limit of one use was set afterwards, and two codes that it has not used. */
    async function earlier() {
      const { groupId, codeIds } = await makeGroup(databases, [1, 1, 1]);
      const walletId = randomUUID();
      const [old, next, third] = codeIds.map((codeId) => redemptionOf(codeId, { walletId }));
      if (!old || !next || !third) throw new Error('three codes were to be made');
      await take(old);
      if (isCompleted) await complete(old);
      await change(groupId, { perWalletLimit: 1 });
      return { groupId, old, next, third };
    }

    test(`a reservation waits for ${name} and has its use`, async () => {
      const { groupId, old, next, third } = await earlier();
      const first = await openTransaction(databases.giftCodeDb);
      await giveBack(old, first.db);
      const second = take(next);
      await untilWaiting(databases.giftCode);
      await first.commit();
      expect(await second).toBe('reserved');
      expect(await take(third)).toBe('per-wallet-limit');
      expect(await usesOf(groupId)).toEqual([1]);
      expect(await faults()).toEqual([]);
    });

    test(`a reservation waits for ${name} that comes to nothing`, async () => {
      const { groupId, old, next } = await earlier();
      const first = await openTransaction(databases.giftCodeDb);
      await giveBack(old, first.db);
      const second = take(next);
      await untilWaiting(databases.giftCode);
      await first.rollback();
      expect(await second).toBe('per-wallet-limit');
      expect(await usesOf(groupId)).toEqual([1]);
      await giveBack(old);
      expect(await usesOf(groupId)).toEqual([0]);
    });

    test(`${name} waits for a reservation`, async () => {
      const { groupId, old, next, third } = await earlier();
      const first = await openTransaction(databases.giftCodeDb);
      expect(await take(next, first.db)).toBe('per-wallet-limit');
      const second = giveBack(old);
      await untilWaiting(databases.giftCode);
      await first.commit();
      await second;
      expect(await usesOf(groupId)).toEqual([0]);
      expect(await take(third)).toBe('reserved');
      expect(await faults()).toEqual([]);
    });
  }
});

test('while there is no limit nothing is counted, and what was counted before is forgotten', async () => {
  const { groupId, codeIds } = await makeGroup(databases, [9, 9], { perWalletLimit: 1 });
  const walletId = randomUUID();
  const items = codeIds.map((codeId) => redemptionOf(codeId, { walletId }));
  const [first, second] = [at(items, 0), at(items, 1)];
  await take(first);
  await undo(first);
  await change(groupId, { perWalletLimit: null });
  await take(second);
  await undo(second);
  const { codeId: limited } = await makeCode(databases, 9, { perWalletLimit: 1 });
  const [kept, reversed] = codeIds.map((codeId) => redemptionOf(codeId, { walletId }));
  if (!kept || !reversed) throw new Error('two codes were to be made');
  await reserve(databases.giftCodeDb, [kept, reversed, redemptionOf(limited)], 'w', TIMEOUT_MS);
  await complete(kept, reversed);
  await takeBack(reversed);
  expect(await usesOf(groupId)).toEqual([0]);
  await change(groupId, { perWalletLimit: 1 });
  expect(await take(redemptionOf(at(codeIds, 1), { walletId }))).toBe('per-wallet-limit');
  await change(groupId, { perWalletLimit: null });
  await takeBack(kept);
  await change(groupId, { perWalletLimit: 1 });
  expect(await take(redemptionOf(at(codeIds, 1), { walletId }))).toBe('reserved');
  expect(await faults()).toEqual([]);
});

test.each([0, 3, 7])('a budget that is set late has all that is spent, of which %i are rolled up', async (rolled) => {
  const { groupId, codeIds } = await makeGroup(databases, [20, 20]);
  const items = Array.from({ length: 7 }, (_, index) => redemptionOf(at(codeIds, index % 2)));
  for (const [index, item] of items.entries()) {
    if (index === rolled) await rollRedemptions(databases.giftCodeDb, { piece: 100, trailMs: 0 });
    await take(item);
    if (index === 4) await undo(item);
    else await complete(item);
  }
  if (rolled === 7) await rollRedemptions(databases.giftCodeDb, { piece: 100, trailMs: 0 });
  await takeBack(at(items, 0));
  await takeBack(at(items, 6));
  await take(redemptionOf(at(codeIds, 0)));
  expect(await change(groupId, { budget: 4_999n })).toMatchObject({ ok: false, reason: 'budget-below-use' });
  expect(await change(groupId, { budget: 5_000n })).toMatchObject({ ok: true });
  expect(await budgetUsed(groupId)).toBe(5_000n);
  expect(await take(redemptionOf(at(codeIds, 0)))).toBe('budget-exhausted');
});

test('limits that come and go while redemptions run leave every counter right, without a deadlock', async () => {
  const own = await createDatabases();
  const groups = [
    await makeGroup(own, [30, 30, 5]),
    await makeGroup(own, [40, 9, 9]),
    await makeGroup(own, [1, 1, 60]),
  ];
  const codeIds = groups.flatMap((group) => group.codeIds);
  const wallets = await makeWallets(own, 6);
  const pick = <T>(list: T[]): T => at(list, Math.floor(Math.random() * list.length));
  const items = Array.from({ length: 160 }, () => redemptionOf(pick(codeIds), { walletId: pick(wallets) }));
  const batch = () => Array.from({ length: 1 + Math.floor(Math.random() * 12) }, () => pick(items));
  const drive = async (driver: number) => {
    for (let round = 0; round < 20; round++) {
      const run = pick([runSaga, runSaga, runAbort]);
      await run(own, [...new Set(batch())], `driver-${driver}-${round}`);
    }
  };
  let isOver = false;
  const changeLimits = async () => {
    while (!isOver) {
      const limits = { perWalletLimit: pick([null, 2, 9]), budget: pick([null, 1_000_000n]) };
      await change(pick(groups).groupId, limits, own.giftCodeDb);
    }
  };
  const reverseSome = async () => {
    while (!isOver) await takeBack(pick(items), own.giftCodeDb);
  };
  const others = [changeLimits(), reverseSome()];
  await Promise.all([0, 1, 2, 3].map(drive)).finally(() => {
    isOver = true;
  });
  await Promise.all(others);
  expect(await faults(own.giftCodeDb)).toEqual([]);
  await Promise.all([own.giftCodeDb.close(), own.walletDb.close()]);
  expect(await deadlocks(own.giftCode)).toBe(0);
  await Promise.all([own.giftCode.end(), own.wallet.end()]);
});

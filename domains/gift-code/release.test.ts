import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  at,
  createDatabases,
  dump,
  eventsOf,
  giveUp,
  hold,
  makeCode,
  makeGroup,
  openTransaction,
  redemptionOf,
  TIMEOUT_MS,
  untilWaiting,
} from '../../test/database.ts';
import { forFile } from '../../test/harness.ts';
import { confirm } from './confirm.ts';
import { type ReleaseItem, release } from './release.ts';
import { type ReserveItem, reserve } from './reserve.ts';

const databases = await forFile(createDatabases());

const call = (items: ReleaseItem[], workflowId = 'undo', db = databases.giftCodeDb) =>
  release(db, items, workflowId, TIMEOUT_MS);
const take = (items: ReserveItem[], workflowId = 'w', db = databases.giftCodeDb) =>
  reserve(db, items, workflowId, TIMEOUT_MS);
const undo = (codeId: string, more: Partial<ReleaseItem> = {}): ReleaseItem => ({
  ...redemptionOf(codeId),
  reason: 'wallet-frozen',
  ...more,
});

/** All counters that a redemption of the code moves. */
async function counters(codeId: string) {
  const { rows } = await databases.giftCode.query(
    `select c.reserved, c.redeemed, g.budget_used::int,
       (select coalesce(sum(uses), 0)::int from wallet_uses u where u.group_id = g.id) as uses
     from codes c join code_groups g on g.id = c.group_id where c.id = $1`,
    [codeId],
  );
  return rows[0];
}
const untouched = { reserved: 0, redeemed: 0, budget_used: 0, uses: 0 };
const limited = { perWalletLimit: 5, budget: 50_000n };

describe('a release', () => {
  test('gives back the place, the limit of the wallet and the budget, says why, and is announced once', async () => {
    const { codeId } = await makeCode(databases, 1, { perWalletLimit: 1, budget: 1_000n });
    const item = undo(codeId);
    await take([item]);
    expect(await call([item], 'redemption-1')).toEqual([{ state: 'released', reason: 'wallet-frozen' }]);
    expect(await counters(codeId)).toEqual(untouched);
    const { rows } = await databases.giftCode.query('select * from redemptions where id = $1', [item.redemptionId]);
    expect(rows).toMatchObject([
      { state: 'released', reason: 'wallet-frozen', version: 2, workflow_id: 'redemption-1', use_number: null },
    ]);
    expect(rows[0].settled_at).toBeInstanceOf(Date);
    expect(await eventsOf(databases.giftCode, item.redemptionId)).toEqual([
      { type: 'redemption.reserved', version: 1 },
      { type: 'redemption.released', version: 2 },
    ]);
    expect(await take([undo(codeId, { walletId: item.walletId })])).toMatchObject([{ state: 'reserved' }]);
  });

  test('of many gives back each its own, and answers in their order', async () => {
    const { codeIds } = await makeGroup(databases, [5, 5], limited);
    const [mine = '', other = ''] = codeIds;
    const walletId = randomUUID();
    const items = [mine, other, mine].map((codeId, index) => undo(codeId, { walletId, reason: `reason-${index}` }));
    await take(items);
    await confirm(databases.giftCodeDb, [at(items, 1).redemptionId], 'w', TIMEOUT_MS);
    const unknown = undo(randomUUID());
    expect(await call([at(items, 2), unknown, at(items, 1), at(items, 0)])).toEqual([
      { state: 'released', reason: 'reason-2' },
      { state: null, reason: null },
      { state: 'completed', reason: null },
      { state: 'released', reason: 'reason-0' },
    ]);
    expect(await counters(mine)).toEqual({ reserved: 0, redeemed: 0, budget_used: 1_000, uses: 1 });
    expect(await counters(other)).toMatchObject({ reserved: 0, redeemed: 1 });
  });

  test('repeated gives nothing back twice, and keeps the first reason', async () => {
    const { codeId } = await makeCode(databases, 5, limited);
    const item = undo(codeId);
    await take([item, redemptionOf(codeId, { walletId: item.walletId })]);
    const first = await call([item], 'first');
    const before = await dump(databases.giftCode);
    expect(await call([{ ...item, reason: 'another' }], 'second')).toEqual(first);
    expect(await dump(databases.giftCode)).toEqual(before);
    expect(await counters(codeId)).toEqual({ reserved: 1, redeemed: 0, budget_used: 1_000, uses: 1 });
  });

  test('of a refused or completed redemption changes nothing', async () => {
    const { codeId } = await makeCode(databases, 1, limited);
    const [completed, refused] = [undo(codeId), undo(codeId)];
    await take([completed, refused]);
    await confirm(databases.giftCodeDb, [completed.redemptionId], 'w', TIMEOUT_MS);
    const before = await dump(databases.giftCode);
    expect(await call([completed, refused])).toEqual([
      { state: 'completed', reason: null },
      { state: 'refused', reason: 'code-reserved' },
    ]);
    expect(await dump(databases.giftCode)).toEqual(before);
  });

  test('of nobody works: the breaker asks so', async () => {
    expect(await call([])).toEqual([]);
  });

  test('that begins after its deadline writes nothing: its caller may have gone on', async () => {
    const { codeId } = await makeCode(databases);
    const [item, stranger] = [undo(codeId), undo(codeId)];
    await take([item]);
    const before = await dump(databases.giftCode);
    const late = { ...databases.giftCodeDb, nowMs: () => databases.giftCodeDb.nowMs() - 2 * TIMEOUT_MS };
    await expect(call([item, stranger], 'w', late)).rejects.toMatchObject({
      name: 'DatabaseUnavailable',
      cause: { code: 'VS001' },
    });
    expect(await dump(databases.giftCode)).toEqual(before);
  });
});

describe('a release before its reservation', () => {
  test('leaves a tombstone, and a late reservation takes nothing', async () => {
    const { groupId, codeId } = await makeCode(databases, 1, limited);
    const item = undo(codeId, { reason: 'aborted', reference: 'order-7' });
    expect(await call([item])).toEqual([{ state: 'released', reason: 'aborted' }]);
    const { rows } = await databases.giftCode.query('select * from redemptions where id = $1', [item.redemptionId]);
    expect(rows).toMatchObject([
      {
        state: 'released',
        code_id: codeId,
        group_id: groupId,
        wallet_id: item.walletId,
        client_id: item.clientId,
        reference: 'order-7',
        amount: '1000',
        currency: 'USD',
        version: 1,
        workflow_id: 'undo',
      },
    ]);
    expect(await take([item])).toMatchObject([{ state: 'released', reason: 'aborted' }]);
    expect(await counters(codeId)).toEqual(untouched);
    expect(await eventsOf(databases.giftCode, item.redemptionId)).toEqual([
      { type: 'redemption.released', version: 1 },
    ]);
  });

  test('under way: the reservation waits, then finds the tombstone', async () => {
    const { codeId } = await makeCode(databases, 1, limited);
    const item = undo(codeId);
    const first = await openTransaction(databases.giftCodeDb);
    await call([item], 'undo', first.db);
    const late = take([item]);
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await late).toMatchObject([{ state: 'released', reason: 'wallet-frozen' }]);
    expect(await counters(codeId)).toEqual(untouched);
  });

  test('under way, undone itself: the reservation stands', async () => {
    const { codeId } = await makeCode(databases, 1, limited);
    const item = undo(codeId);
    const first = await openTransaction(databases.giftCodeDb);
    await call([item], 'undo', first.db);
    const late = take([item]);
    await untilWaiting(databases.giftCode);
    await first.rollback();
    expect(await late).toMatchObject([{ state: 'reserved' }]);
    expect(await counters(codeId)).toEqual({ reserved: 1, redeemed: 0, budget_used: 1_000, uses: 1 });
  });
});

describe('a release while its reservation is under way', () => {
  test('waits and gives back what was taken, so that no place is stranded', async () => {
    const { codeId } = await makeCode(databases, 1, limited);
    const item = undo(codeId);
    const first = await openTransaction(databases.giftCodeDb);
    await take([item], 'w', first.db);
    const undone = call([item]);
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await undone).toEqual([{ state: 'released', reason: 'wallet-frozen' }]);
    expect(await counters(codeId)).toEqual(untouched);
  });

  test('leaves a tombstone if the reservation fails', async () => {
    const { codeId } = await makeCode(databases, 1, limited);
    const item = undo(codeId);
    const first = await openTransaction(databases.giftCodeDb);
    await take([item], 'w', first.db);
    const undone = call([item]);
    await untilWaiting(databases.giftCode);
    await first.rollback();
    expect(await undone).toEqual([{ state: 'released', reason: 'wallet-frozen' }]);
    expect(await counters(codeId)).toEqual(untouched);
    expect(await eventsOf(databases.giftCode, item.redemptionId)).toEqual([
      { type: 'redemption.released', version: 1 },
    ]);
  });

  test('of one whose time-out came before its commit gives back what that one takes in the end', async () => {
    const { codeId } = await makeCode(databases, 1, limited);
    const item = undo(codeId);
    const lock = await hold(databases.giftCodeDb, 'select from codes where id = $1 for update', [codeId]);
    await giveUp(databases.giftCodeDb, (db, timeoutMs) => reserve(db, [item], 'given up', timeoutMs));
    await untilWaiting(databases.giftCode, 1);
    const undone = call([item]);
    await untilWaiting(databases.giftCode, 2);
    await lock.free();
    expect(await undone).toEqual([{ state: 'released', reason: 'wallet-frozen' }]);
    expect(await counters(codeId)).toEqual(untouched);
  });

  test('comes before one whose time-out has passed: that one finds the tombstone when it goes on', async () => {
    const { codeIds } = await makeGroup(databases, [1, 1]);
    const [blocked = '', free = ''] = codeIds.toSorted();
    const items = [undo(blocked), undo(free)];
    const lock = await hold(databases.giftCodeDb, 'select from codes where id = $1 for update', [blocked]);
    await giveUp(databases.giftCodeDb, (db, timeoutMs) => reserve(db, items, 'given up', timeoutMs));
    await untilWaiting(databases.giftCode, 1);
    await call([at(items, 1)]);
    // Comes second for the lock, so that its answer is the end of the call given up.
    const next = take([at(items, 0)], 'next');
    await untilWaiting(databases.giftCode, 2);
    await lock.free();
    expect(await next).toMatchObject([{ state: 'reserved' }]);
    const { rows } = await databases.giftCode.query('select workflow_id from redemptions where id = $1', [
      at(items, 0).redemptionId,
    ]);
    expect(rows).toEqual([{ workflow_id: 'given up' }]);
    expect(await counters(free)).toMatchObject({ reserved: 0, redeemed: 0 });
  });
});

describe('two releases of one redemption at the same time', () => {
  test('give back once', async () => {
    const { codeId } = await makeCode(databases, 5, limited);
    const item = undo(codeId);
    await take([item, redemptionOf(codeId, { walletId: item.walletId })]);
    const first = await openTransaction(databases.giftCodeDb);
    await call([item], 'first', first.db);
    const second = call([{ ...item, reason: 'another' }], 'second');
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await second).toEqual([{ state: 'released', reason: 'wallet-frozen' }]);
    expect(await counters(codeId)).toEqual({ reserved: 1, redeemed: 0, budget_used: 1_000, uses: 1 });
    expect(await eventsOf(databases.giftCode, item.redemptionId)).toHaveLength(2);
  });

  test('leave one tombstone', async () => {
    const { codeId } = await makeCode(databases, 5, limited);
    const item = undo(codeId);
    const first = await openTransaction(databases.giftCodeDb);
    await call([item], 'first', first.db);
    const second = call([{ ...item, reason: 'another' }], 'second');
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await second).toEqual([{ state: 'released', reason: 'wallet-frozen' }]);
    expect(await eventsOf(databases.giftCode, item.redemptionId)).toHaveLength(1);
  });

  test('of which the first timed out before its commit give back once', async () => {
    const { codeId } = await makeCode(databases, 5, limited);
    const item = undo(codeId);
    await take([item, redemptionOf(codeId, { walletId: item.walletId })]);
    const lock = await hold(databases.giftCodeDb, 'select from codes where id = $1 for update', [codeId]);
    await giveUp(databases.giftCodeDb, (db, timeoutMs) => release(db, [item], 'given up', timeoutMs));
    await untilWaiting(databases.giftCode, 1);
    const second = call([{ ...item, reason: 'another' }], 'second');
    await untilWaiting(databases.giftCode, 2);
    await lock.free();
    expect(await second).toEqual([{ state: 'released', reason: 'wallet-frozen' }]);
    expect(await counters(codeId)).toEqual({ reserved: 1, redeemed: 0, budget_used: 1_000, uses: 1 });
  });
});

describe('while other redemptions of the code are under way', () => {
  test('the place given back goes to who waits for it', async () => {
    const { codeId } = await makeCode(databases, 1, { perWalletLimit: 1, budget: 1_000n });
    const item = undo(codeId);
    await take([item]);
    const first = await openTransaction(databases.giftCodeDb);
    await call([item], 'undo', first.db);
    const next = take([redemptionOf(codeId, { walletId: item.walletId })]);
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await next).toMatchObject([{ state: 'reserved' }]);
    expect(await counters(codeId)).toEqual({ reserved: 1, redeemed: 0, budget_used: 1_000, uses: 1 });
  });

  test('a confirmation that came first stands: nothing is given back', async () => {
    const { codeId } = await makeCode(databases, 1, limited);
    const item = undo(codeId);
    await take([item]);
    const first = await openTransaction(databases.giftCodeDb);
    await confirm(first.db, [item.redemptionId], 'w', TIMEOUT_MS);
    const late = call([item]);
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await late).toEqual([{ state: 'completed', reason: null }]);
    expect(await counters(codeId)).toEqual({ reserved: 0, redeemed: 1, budget_used: 1_000, uses: 1 });
  });
});

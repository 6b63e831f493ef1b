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
import { release } from './release.ts';
import { type ReserveItem, reserve } from './reserve.ts';

const databases = await forFile(createDatabases());

const call = (ids: string[], workflowId = 'w', db = databases.giftCodeDb) => confirm(db, ids, workflowId, TIMEOUT_MS);
const useNumbers = (rows: { id: string; use_number: number | null }[], ids: string[]) =>
  ids.map((id) => rows.find((row) => row.id === id)?.use_number);
/** A confirmation promises no order. */
const byId = <Row extends { id: string }>(rows: Row[]) => rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));

async function reserved(codeIds: string[]): Promise<ReserveItem[]> {
  const items = codeIds.map((codeId) => redemptionOf(codeId));
  await reserve(databases.giftCodeDb, items, 'w', TIMEOUT_MS);
  return items;
}
async function places(codeId: string) {
  const { rows } = await databases.giftCode.query('select reserved, redeemed from codes where id = $1', [codeId]);
  return rows[0];
}

describe('a confirmation', () => {
  test('completes the redemption, turns its reserved place into a use, and is announced once', async () => {
    const { groupId, codeId } = await makeCode(databases, 2, { name: 'Eid', amount: 700n, currency: 'EUR' });
    const [item] = await reserved([codeId]);
    const id = item?.redemptionId ?? '';
    const rows = await call([id], 'redemption-1');
    expect(rows).toEqual([
      {
        id,
        state: 'completed',
        reason: null,
        amount: 700n,
        currency: 'EUR',
        reference: null,
        use_number: 1,
        workflow_id: 'redemption-1',
        client_id: item?.clientId,
        wallet_id: item?.walletId,
        code_id: codeId,
        last4: expect.stringMatching(/^\w{4}$/),
        max_redemptions: 2,
        group_id: groupId,
        group_name: 'Eid',
        created_at: expect.any(Date),
        settled_at: expect.any(Date),
      },
    ]);
    expect(await places(codeId)).toEqual({ reserved: 0, redeemed: 1 });
    expect(await eventsOf(databases.giftCode, id)).toEqual([
      { type: 'redemption.reserved', version: 1 },
      { type: 'redemption.completed', version: 2 },
    ]);
  });

  test('numbers the uses of a coupon in the order of arrival', async () => {
    const { codeIds } = await makeGroup(databases, [9, 9]);
    const [coupon = '', other = ''] = codeIds;
    const items = await reserved([coupon, coupon, other, coupon]);
    const ids = items.map((item) => item.redemptionId).toReversed();
    expect(useNumbers(await call(ids), ids)).toEqual([1, 1, 2, 3]);
    const [next] = await reserved([coupon]);
    expect(await call([next?.redemptionId ?? ''])).toMatchObject([{ use_number: 4 }]);
  });

  test('of a code switched off meanwhile is done all the same: the wallet has the money', async () => {
    const { groupId, codeId } = await makeCode(databases, 1);
    const [item] = await reserved([codeId]);
    await databases.giftCode.query('update codes set disabled = true where id = $1', [codeId]);
    await databases.giftCode.query(`update code_groups set disabled = true, ends_at = '2000-01-01' where id = $1`, [
      groupId,
    ]);
    expect(await call([item?.redemptionId ?? ''])).toMatchObject([{ state: 'completed' }]);
  });

  test('keeps the limit of the wallet and the budget used', async () => {
    const { groupId, codeId } = await makeCode(databases, 5, { perWalletLimit: 1, budget: 1_000n });
    const [item] = await reserved([codeId]);
    await call([item?.redemptionId ?? '']);
    const again = redemptionOf(codeId, { walletId: item?.walletId ?? '' });
    expect(await reserve(databases.giftCodeDb, [again, redemptionOf(codeId)], 'w', TIMEOUT_MS)).toMatchObject([
      { reason: 'per-wallet-limit' },
      { reason: 'budget-exhausted' },
    ]);
    const { rows } = await databases.giftCode.query('select budget_used from code_groups where id = $1', [groupId]);
    expect(rows).toEqual([{ budget_used: '1000' }]);
  });

  test('repeated, by whatever workflow, is answered alike and writes nothing', async () => {
    const { codeId } = await makeCode(databases, 3);
    const ids = (await reserved([codeId, codeId])).map((item) => item.redemptionId);
    const first = await call(ids, 'first');
    const before = await dump(databases.giftCode);
    expect(byId(await call(ids, 'second'))).toEqual(byId(first));
    expect(await dump(databases.giftCode)).toEqual(before);
  });

  test('of what was refused or released changes nothing and tells the state it found', async () => {
    const { codeId } = await makeCode(databases, 1);
    const [released] = await reserved([codeId]);
    const undone = released ? [{ ...released, reason: 'aborted' }] : [];
    await release(databases.giftCodeDb, undone, 'w', TIMEOUT_MS);
    const [, refused] = await reserved([codeId, codeId]);
    const ids = [at(undone, 0).redemptionId, refused?.redemptionId ?? '', randomUUID()];
    const before = await dump(databases.giftCode);
    const rows = await call(ids);
    expect(rows.map(({ id, state, reason }) => ({ id, state, reason }))).toEqual([
      { id: ids[0], state: 'released', reason: 'aborted' },
      { id: ids[1], state: 'refused', reason: 'code-reserved' },
    ]);
    expect(await dump(databases.giftCode)).toEqual(before);
  });

  test('of nobody works: the breaker asks so', async () => {
    expect(await call([])).toEqual([]);
  });

  test('that begins after its deadline writes nothing: its caller may have gone on', async () => {
    const { codeId } = await makeCode(databases);
    const [item] = await reserved([codeId]);
    const before = await dump(databases.giftCode);
    const late = { ...databases.giftCodeDb, nowMs: () => databases.giftCodeDb.nowMs() - 2 * TIMEOUT_MS };
    await expect(call([item?.redemptionId ?? ''], 'w', late)).rejects.toMatchObject({
      name: 'DatabaseUnavailable',
      cause: { code: 'VS001' },
    });
    expect(await dump(databases.giftCode)).toEqual(before);
  });
});

describe('while another driver is at it', () => {
  test('the same redemption is completed once, with one use number', async () => {
    const { codeId } = await makeCode(databases, 2);
    const [item] = await reserved([codeId]);
    const ids = [item?.redemptionId ?? ''];
    const first = await openTransaction(databases.giftCodeDb);
    const answer = await call(ids, 'first', first.db);
    const second = call(ids, 'second');
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await second).toEqual(answer);
    expect(await places(codeId)).toEqual({ reserved: 0, redeemed: 1 });
    expect(await eventsOf(databases.giftCode, ids[0] ?? '')).toHaveLength(2);
  });

  test('its failure leaves the work to the other', async () => {
    const { codeId } = await makeCode(databases, 2);
    const [item] = await reserved([codeId]);
    const ids = [item?.redemptionId ?? ''];
    const first = await openTransaction(databases.giftCodeDb);
    await call(ids, 'first', first.db);
    const second = call(ids, 'second');
    await untilWaiting(databases.giftCode);
    await first.rollback();
    expect(await second).toMatchObject([{ state: 'completed', use_number: 1, workflow_id: 'second' }]);
    expect(await places(codeId)).toEqual({ reserved: 0, redeemed: 1 });
  });

  test('other uses of the same coupon get other numbers', async () => {
    const { codeId } = await makeCode(databases, 9);
    const ids = (await reserved([codeId, codeId, codeId])).map((item) => item.redemptionId);
    const first = await openTransaction(databases.giftCodeDb);
    await call(ids.slice(0, 2), 'first', first.db);
    const second = call(ids.slice(2), 'second');
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await second).toMatchObject([{ use_number: 3 }]);
    expect(await places(codeId)).toEqual({ reserved: 0, redeemed: 3 });
  });

  test('one whose time-out came before its commit: the other sees what it did', async () => {
    const { codeId } = await makeCode(databases, 2);
    const [item] = await reserved([codeId]);
    const ids = [item?.redemptionId ?? ''];
    const lock = await hold(databases.giftCodeDb, 'select from codes where id = $1 for update', [codeId]);
    await giveUp(databases.giftCodeDb, (db, timeoutMs) => confirm(db, ids, 'given up', timeoutMs));
    await untilWaiting(databases.giftCode, 1);
    const second = call(ids, 'second');
    await untilWaiting(databases.giftCode, 2);
    await lock.free();
    expect(await second).toMatchObject([{ state: 'completed', use_number: 1, workflow_id: 'given up' }]);
    expect(await places(codeId)).toEqual({ reserved: 0, redeemed: 1 });
    expect(await eventsOf(databases.giftCode, ids[0] ?? '')).toHaveLength(2);
  });

  test('a release that came first stands: the place is not used as well', async () => {
    const { codeId } = await makeCode(databases, 2);
    const items = await reserved([codeId]);
    const undone = items.map((item) => ({ ...item, reason: 'aborted' }));
    const first = await openTransaction(databases.giftCodeDb);
    await release(first.db, undone, 'abort', TIMEOUT_MS);
    const late = call(items.map((item) => item.redemptionId));
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await late).toMatchObject([{ state: 'released', use_number: null }]);
    expect(await places(codeId)).toEqual({ reserved: 0, redeemed: 0 });
  });

  test('a reservation of the same coupon does not lose its place', async () => {
    const { codeId } = await makeCode(databases, 3);
    const [item] = await reserved([codeId]);
    const first = await openTransaction(databases.giftCodeDb);
    await call([item?.redemptionId ?? ''], 'first', first.db);
    const second = reserve(databases.giftCodeDb, [redemptionOf(codeId)], 'second', TIMEOUT_MS);
    await untilWaiting(databases.giftCode);
    await first.commit();
    await second;
    expect(await places(codeId)).toEqual({ reserved: 1, redeemed: 1 });
  });
});

import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  createDatabases,
  makeCode,
  openTransaction,
  redemptionOf,
  TIMEOUT_MS,
  untilWaiting,
} from '../../test/database.ts';
import { forFile } from '../../test/harness.ts';
import { confirm } from './confirm.ts';
import { reserve } from './reserve.ts';
import {
  asksForReversal,
  beginReversal,
  giveUpReversal,
  isPlaceKept,
  readReversal,
  reversalOfRequest,
  reverseRedemption,
  unfinishedReversals,
} from './reverse-redemption.ts';

const databases = await forFile(createDatabases());
const db = databases.giftCodeDb;

async function completed(): Promise<string> {
  const item = redemptionOf((await makeCode(databases)).codeId);
  await reserve(db, [item], 'w', TIMEOUT_MS);
  await confirm(db, [item.redemptionId], 'w', TIMEOUT_MS);
  return item.redemptionId;
}
const requestOf = (redemptionId: string, keepPlace = false) => ({
  requestId: randomUUID(),
  ...orderOf(redemptionId, keepPlace),
});
const orderOf = (redemptionId: string, keepPlace = false) => ({
  redemptionId,
  keepPlace,
  reason: 'reversed: refunded',
});

describe('a reversal', () => {
  test('is noted until it is done', async () => {
    const id = await completed();
    await beginReversal(db, requestOf(id), TIMEOUT_MS);
    expect(await readReversal(db, id)).toMatchObject(orderOf(id));
    expect(await reverseRedemption(db, orderOf(id), TIMEOUT_MS)).toBe('reversed');
    expect(await readReversal(db, id)).toBeUndefined();
  });

  test('that a version before has finished is noted no longer once it is done again', async () => {
    const id = await completed();
    await reverseRedemption(db, orderOf(id), TIMEOUT_MS);
    await databases.giftCode.query(
      `insert into reversals (redemption_id, request_id, keep_place, reason) values ($1, gen_random_uuid(), false, 'r')`,
      [id],
    );
    expect(await reverseRedemption(db, orderOf(id), TIMEOUT_MS)).toBe('reversed');
    expect(await readReversal(db, id)).toBeUndefined();
  });

  test('is noted until it is given up, and then nothing has changed', async () => {
    const order = requestOf(await completed());
    await beginReversal(db, order, TIMEOUT_MS);
    expect(await asksForReversal(db, order, TIMEOUT_MS)).toBe(1);
    expect(await giveUpReversal(db, order, 1, TIMEOUT_MS)).toBe(true);
    // Repeated, as by an attempt whose answer was lost.
    expect(await giveUpReversal(db, order, 1, TIMEOUT_MS)).toBe(true);
    expect(await asksForReversal(db, order, TIMEOUT_MS)).toBeNull();
    expect(await readReversal(db, order.redemptionId)).toBeUndefined();
    expect(await isPlaceKept(db, order.redemptionId)).toBe(false);
    expect(await reverseRedemption(db, { ...order, keepPlace: true }, TIMEOUT_MS)).toBe('reversed');
    expect(await isPlaceKept(db, order.redemptionId)).toBe(true);
  });

  test('that has been asked for since is not given up', async () => {
    const order = requestOf(await completed());
    await beginReversal(db, order, TIMEOUT_MS);
    const asks = (await asksForReversal(db, order, TIMEOUT_MS)) ?? 0;
    await beginReversal(db, requestOf(order.redemptionId), TIMEOUT_MS);
    expect(await giveUpReversal(db, order, asks, TIMEOUT_MS)).toBe(false);
    expect(await asksForReversal(db, order, TIMEOUT_MS)).toBe(asks + 1);
    expect(await giveUpReversal(db, order, asks + 1, TIMEOUT_MS)).toBe(true);
  });

  test('of an order that was given up is neither there, nor given up for another one', async () => {
    const order = requestOf(await completed());
    await beginReversal(db, order, TIMEOUT_MS);
    await giveUpReversal(db, order, 1, TIMEOUT_MS);
    const later = requestOf(order.redemptionId);
    await beginReversal(db, later, TIMEOUT_MS);
    expect(await asksForReversal(db, order, TIMEOUT_MS)).toBeNull();
    await giveUpReversal(db, order, 1, TIMEOUT_MS);
    expect(await asksForReversal(db, later, TIMEOUT_MS)).toBe(1);
  });

  test('that is begun again stays as it was asked for first', async () => {
    const id = await completed();
    const first = requestOf(id);
    expect(await beginReversal(db, first, TIMEOUT_MS)).toEqual({ ...first, begun: true });
    expect(await beginReversal(db, requestOf(id, true), TIMEOUT_MS)).toEqual({ ...first, begun: false });
    expect(await beginReversal(db, first, TIMEOUT_MS)).toEqual({ ...first, begun: false });
    expect(await readReversal(db, id)).toMatchObject(orderOf(id));
  });

  test('of another redemption by the same request is not noted, before the first one is over and after', async () => {
    const [first, other] = [requestOf(await completed()), await completed()];
    await beginReversal(db, first, TIMEOUT_MS);
    const again = { ...requestOf(other), requestId: first.requestId };
    expect(await beginReversal(db, again, TIMEOUT_MS)).toEqual({ ...first, begun: false });
    await reverseRedemption(db, first, TIMEOUT_MS);
    expect(await beginReversal(db, again, TIMEOUT_MS)).toEqual({ ...first, begun: false });
    expect(await readReversal(db, other)).toBeUndefined();
    expect(await reversalOfRequest(db, first.requestId)).toMatchObject(first);
  });

  test('of two redemptions by one request at the same time is one', async () => {
    const first = requestOf(await completed());
    const again = { ...requestOf(await completed()), requestId: first.requestId };
    const begun = await openTransaction(db);
    await beginReversal(begun.db, first, TIMEOUT_MS);
    const second = beginReversal(db, again, TIMEOUT_MS);
    await untilWaiting(databases.giftCode);
    await begun.commit();
    expect(await second).toEqual({ ...first, begun: false });
  });

  test('is not noted of what is not completed, or over', async () => {
    const item = redemptionOf((await makeCode(databases)).codeId);
    await reserve(db, [item], 'w', TIMEOUT_MS);
    const over = await completed();
    await reverseRedemption(db, orderOf(over), TIMEOUT_MS);
    for (const id of [item.redemptionId, over]) {
      expect(await beginReversal(db, requestOf(id), TIMEOUT_MS)).toBeUndefined();
      expect(await readReversal(db, id)).toBeUndefined();
    }
  });

  test('that is begun while it ends leaves no note behind', async () => {
    const id = await completed();
    const ending = await openTransaction(db);
    await reverseRedemption(ending.db, orderOf(id), TIMEOUT_MS);
    const begun = beginReversal(db, requestOf(id), TIMEOUT_MS);
    await untilWaiting(databases.giftCode);
    await ending.commit();
    expect(await begun).toBeUndefined();
    expect(await readReversal(db, id)).toBeUndefined();
  });

  test('that is given up after its deadline stays noted: its caller may have gone on', async () => {
    const order = requestOf(await completed());
    await beginReversal(db, order, TIMEOUT_MS);
    const late = { ...db, nowMs: () => db.nowMs() - 2 * TIMEOUT_MS };
    await expect(giveUpReversal(late, order, 1, TIMEOUT_MS)).rejects.toThrow('its deadline has passed');
    expect(await readReversal(db, order.redemptionId)).toMatchObject(order);
  });

  test('is among those that are unfinished, page by page, each once', async () => {
    await databases.giftCode.query('delete from reversals');
    const ids = await Promise.all(Array.from({ length: 5 }, completed));
    for (const id of ids) await beginReversal(db, requestOf(id), TIMEOUT_MS);
    // Two of them at the same time, and one of a moment ago.
    await databases.giftCode.query(
      `update reversals set begun_at = now() - array_position($1, redemption_id) / 2 * interval '1 minute'`,
      [ids],
    );
    const found: string[] = [];
    let page = await unfinishedReversals(db, 30_000, undefined, 2);
    while (page.length > 0) {
      found.push(...page.map(({ redemptionId }) => redemptionId));
      page = await unfinishedReversals(db, 30_000, page.at(-1), 2);
    }
    expect([...found].sort()).toEqual(ids.slice(1).sort());
    expect(new Set(found.slice(0, 2))).toEqual(new Set(ids.slice(3)));
  });
});

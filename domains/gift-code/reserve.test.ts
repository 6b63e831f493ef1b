import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  at,
  createDatabases,
  deadlocks,
  dump,
  eventsOf,
  giveUp,
  hold,
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
import { assertCoherent, forFile } from '../../test/harness.ts';
import { confirm } from './confirm.ts';
import { release } from './release.ts';
import { type ReserveItem, reserve } from './reserve.ts';

const databases = await forFile(createDatabases());

const call = (items: ReserveItem[], workflowId = 'w', db = databases.giftCodeDb) =>
  reserve(db, items, workflowId, TIMEOUT_MS);
const one = async (item: ReserveItem) => at(await call([item]), 0);
const states = (verdicts: { state: string | null; reason: string | null }[]) =>
  verdicts.map(({ state, reason }) => reason ?? state);

async function places(codeId: string) {
  const { rows } = await databases.giftCode.query('select reserved, redeemed from codes where id = $1', [codeId]);
  return rows[0];
}
async function usesOf(groupId: string, walletId: string): Promise<number> {
  const { rows } = await databases.giftCode.query(
    'select uses from wallet_uses where group_id = $1 and wallet_id = $2',
    [groupId, walletId],
  );
  return rows[0]?.uses ?? 0;
}
async function budgetUsed(groupId: string): Promise<bigint> {
  const { rows } = await databases.giftCode.query('select budget_used from code_groups where id = $1', [groupId]);
  return BigInt(rows[0].budget_used);
}
async function rowOf(redemptionId: string) {
  const { rows } = await databases.giftCode.query('select * from redemptions where id = $1', [redemptionId]);
  return rows[0];
}

const minute = 60_000;

describe('a reservation', () => {
  test('takes one place, tells the amount to credit, and is announced once', async () => {
    const { groupId, codeId } = await makeCode(databases, 3, { amount: 700n, currency: 'EUR' });
    const item = redemptionOf(codeId, { reference: 'order-7' });
    expect(await call([item], 'redemption-1')).toEqual([
      { state: 'reserved', reason: null, amount: 700n, currency: 'EUR' },
    ]);
    expect(await places(codeId)).toEqual({ reserved: 1, redeemed: 0 });
    expect(await rowOf(item.redemptionId)).toMatchObject({
      code_id: codeId,
      group_id: groupId,
      wallet_id: item.walletId,
      client_id: item.clientId,
      amount: '700',
      currency: 'EUR',
      version: 1,
      use_number: null,
      state: 'reserved',
      reason: null,
      reference: 'order-7',
      workflow_id: 'redemption-1',
      settled_at: null,
    });
    const { rows } = await databases.giftCode.query(
      'select aggregate, aggregate_version, type, data from outbox where aggregate_id = $1',
      [item.redemptionId],
    );
    expect(rows).toEqual([
      {
        aggregate: 'redemption',
        aggregate_version: '1',
        type: 'redemption.reserved',
        data: {
          redemption_id: item.redemptionId,
          code_id: codeId,
          code_group_id: groupId,
          wallet_id: item.walletId,
          amount: { value: 700, currency: 'EUR' },
          reference: 'order-7',
        },
      },
    ]);
  });

  test('of the largest amount is told to the last unit', async () => {
    const most = 2n ** 53n - 1n;
    const { groupId, codeId } = await makeCode(databases, 2, { amount: most, budget: most });
    expect(await one(redemptionOf(codeId))).toMatchObject({ state: 'reserved', amount: most });
    expect(await budgetUsed(groupId)).toBe(most);
    expect(await one(redemptionOf(codeId))).toMatchObject({ state: 'refused', reason: 'budget-exhausted' });
  });

  test('of a code that does not exist is no verdict and leaves no row', async () => {
    const item = redemptionOf(randomUUID());
    expect(await one(item)).toEqual({ state: null, reason: 'code-not-found', amount: null, currency: null });
    expect(await rowOf(item.redemptionId)).toBeUndefined();
  });

  test('of nobody works: the breaker asks so', async () => {
    expect(await call([])).toEqual([]);
  });

  test('that begins after its deadline writes nothing: its caller may have gone on', async () => {
    const { codeId } = await makeCode(databases);
    const item = redemptionOf(codeId);
    const before = await dump(databases.giftCode);
    const late = { ...databases.giftCodeDb, nowMs: () => databases.giftCodeDb.nowMs() - 2 * TIMEOUT_MS };
    await expect(call([item], 'w', late)).rejects.toMatchObject({
      name: 'DatabaseUnavailable',
      cause: { code: 'VS001' },
    });
    expect(await dump(databases.giftCode)).toEqual(before);
  });
});

describe('a refusal is written down and costs nothing', () => {
  const refusals: [reason: string, prepare: () => Promise<Partial<ReserveItem> & { codeId: string }>][] = [
    [
      'group-disabled',
      async () => {
        const { groupId, codeId } = await makeCode(databases);
        await databases.giftCode.query('update code_groups set disabled = true where id = $1', [groupId]);
        return { codeId };
      },
    ],
    [
      'code-disabled',
      async () => {
        const { codeId } = await makeCode(databases);
        await databases.giftCode.query('update codes set disabled = true where id = $1', [codeId]);
        return { codeId };
      },
    ],
    ['code-not-started', () => makeCode(databases, 1, { startsAt: new Date(Date.now() + minute) })],
    ['code-expired', () => makeCode(databases, 1, { endsAt: new Date(Date.now() - minute) })],
    [
      'code-reserved',
      async () => {
        const { codeId } = await makeCode(databases);
        await one(redemptionOf(codeId));
        return { codeId };
      },
    ],
    [
      'code-already-redeemed',
      async () => {
        const { codeId } = await makeCode(databases);
        const first = redemptionOf(codeId);
        await one(first);
        await confirm(databases.giftCodeDb, [first.redemptionId], 'w', TIMEOUT_MS);
        return { codeId };
      },
    ],
    [
      'code-exhausted',
      async () => {
        const { codeId } = await makeCode(databases, 2);
        const first = redemptionOf(codeId);
        await call([first, redemptionOf(codeId)]);
        await confirm(databases.giftCodeDb, [first.redemptionId], 'w', TIMEOUT_MS);
        return { codeId };
      },
    ],
    [
      'per-wallet-limit',
      async () => {
        const { codeId } = await makeCode(databases, 5, { perWalletLimit: 1, budget: 5_000n });
        const first = redemptionOf(codeId);
        await one(first);
        return { codeId, walletId: first.walletId };
      },
    ],
    [
      'budget-exhausted',
      async () => {
        const { codeId } = await makeCode(databases, 5, { perWalletLimit: 1, budget: 1_999n });
        await one(redemptionOf(codeId));
        return { codeId };
      },
    ],
  ];

  test.each(refusals)('%s', async (reason, prepare) => {
    const { codeId, ...more } = await prepare();
    const { groupId, redemptionId, ...item } = redemptionOf(codeId, more) as ReserveItem & { groupId?: string };
    const { rows } = await databases.giftCode.query('select group_id from codes where id = $1', [codeId]);
    const group = groupId ?? rows[0].group_id;
    const counters = async () => [
      await places(codeId),
      await usesOf(group, item.walletId),
      await budgetUsed(group),
      (await databases.giftCode.query('select count(*) from outbox')).rows,
    ];
    const before = await counters();
    expect(await one({ redemptionId, ...item })).toMatchObject({ state: 'refused', reason });
    expect(await counters()).toEqual(before);
    expect(await rowOf(redemptionId)).toMatchObject({ state: 'refused', reason, version: 1 });
  });

  test('windows are judged when the door let the redemption in, the start inclusive, the end exclusive', async () => {
    const startsAt = new Date(Date.now() - 10 * minute);
    const endsAt = new Date(Date.now() - 5 * minute);
    const { codeId } = await makeCode(databases, 9, { startsAt, endsAt });
    const judged = (ms: number) => redemptionOf(codeId, { at: ms });
    const verdicts = await call([
      judged(startsAt.getTime() - 1),
      judged(startsAt.getTime()),
      judged(endsAt.getTime() - 1),
      judged(endsAt.getTime()),
      judged(Date.now()),
    ]);
    expect(states(verdicts)).toEqual(['code-not-started', 'reserved', 'reserved', 'code-expired', 'code-expired']);
  });
});

describe('a verdict is final for its redemption id', () => {
  test('a refusal stays when the code can be redeemed by now', async () => {
    const { codeId } = await makeCode(databases);
    await databases.giftCode.query('update codes set disabled = true where id = $1', [codeId]);
    const item = redemptionOf(codeId);
    const first = await one(item);
    expect(first).toMatchObject({ state: 'refused', reason: 'code-disabled' });
    await databases.giftCode.query('update codes set disabled = false where id = $1', [codeId]);
    expect(await one(item)).toEqual(first);
    expect(await places(codeId)).toEqual({ reserved: 0, redeemed: 0 });
  });

  test('a reservation stays when the code can no longer be redeemed, and takes no second place', async () => {
    const { groupId, codeId } = await makeCode(databases, 5, { perWalletLimit: 5, budget: 5_000n });
    const item = redemptionOf(codeId);
    const first = await call([item], 'first');
    await databases.giftCode.query('update code_groups set disabled = true where id = $1', [groupId]);
    const before = await dump(databases.giftCode);
    expect(await call([{ ...item, at: Date.now() + minute }], 'second')).toEqual(first);
    expect(await dump(databases.giftCode)).toEqual(before);
    expect(await places(codeId)).toEqual({ reserved: 1, redeemed: 0 });
  });

  test.each<[string, (item: ReserveItem, otherCode: string) => Partial<ReserveItem>]>([
    ['code', (_, codeId) => ({ codeId })],
    ['wallet', () => ({ walletId: randomUUID() })],
    ['reference', () => ({ reference: 'another' })],
    ['reference, left out,', () => ({ reference: undefined })],
  ])('the same id with another %s gets no verdict and takes nothing', async (_, change) => {
    const { codeId } = await makeCode(databases, 5);
    const other = await makeCode(databases, 5);
    const item = redemptionOf(codeId, { reference: 'order-7' });
    await one(item);
    const before = await dump(databases.giftCode);
    expect(await one({ ...item, ...change(item, other.codeId) })).toMatchObject({
      state: null,
      reason: 'idempotency-key-reused',
    });
    expect(await dump(databases.giftCode)).toEqual(before);
  });
});

describe('in one batch', () => {
  test('verdicts come in the order of the items, whatever their ids', async () => {
    const { codeIds } = await makeGroup(databases, [1, 1, 1, 1]);
    await databases.giftCode.query('update codes set disabled = true where id = $1', [codeIds[1]]);
    const items = [3, 1, 0, 2].map((index) => redemptionOf(at(codeIds, index)));
    items.splice(2, 0, redemptionOf(randomUUID()));
    const expected = ['reserved', 'code-disabled', 'code-not-found', 'reserved', 'reserved'];
    expect(states(await call(items))).toEqual(expected);
    expect(states(await call(items.toReversed()))).toEqual(expected.toReversed());
  });

  test('n phones at k places: the first k in the order of arrival get them, whatever their ids', async () => {
    const { codeId } = await makeCode(databases, 3);
    const items = Array.from({ length: 7 }, () => redemptionOf(codeId)).toReversed();
    expect(states(await call(items))).toEqual([
      ...['reserved', 'reserved', 'reserved'],
      ...['code-exhausted', 'code-exhausted', 'code-exhausted', 'code-exhausted'],
    ]);
    expect(await places(codeId)).toEqual({ reserved: 3, redeemed: 0 });
  });

  test('two phones at one gift code: the second hears that it is being redeemed', async () => {
    const { codeId } = await makeCode(databases);
    expect(states(await call([redemptionOf(codeId), redemptionOf(codeId)]))).toEqual(['reserved', 'code-reserved']);
  });

  test('who is refused for the limit per wallet takes neither the place nor the budget of the next', async () => {
    const { groupId, codeId } = await makeCode(databases, 2, { perWalletLimit: 1, budget: 2_000n });
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    const items = [first, first, second, third, third].map((walletId) => redemptionOf(codeId, { walletId }));
    expect(states(await call(items))).toEqual([
      'reserved',
      'per-wallet-limit',
      'reserved',
      'code-exhausted',
      'code-exhausted',
    ]);
    expect(await places(codeId)).toEqual({ reserved: 2, redeemed: 0 });
    expect(await budgetUsed(groupId)).toBe(2_000n);
    expect([await usesOf(groupId, first), await usesOf(groupId, second), await usesOf(groupId, third)]).toEqual([
      1, 1, 0,
    ]);
  });

  test('who finds a code used up keeps his limit and the budget for another code of the group', async () => {
    const { groupId, codeIds } = await makeGroup(databases, [1, 1], { perWalletLimit: 1, budget: 2_000n });
    const [mine, other] = [randomUUID(), randomUUID()];
    const items = [
      redemptionOf(at(codeIds, 0), { walletId: other }),
      redemptionOf(at(codeIds, 0), { walletId: mine }),
      redemptionOf(at(codeIds, 1), { walletId: mine }),
    ];
    expect(states(await call(items))).toEqual(['reserved', 'code-reserved', 'reserved']);
    expect([await usesOf(groupId, mine), await budgetUsed(groupId)]).toEqual([1, 2_000n]);
  });

  test('who finds the budget used up takes no place and none of his limit', async () => {
    const { groupId, codeIds } = await makeGroup(databases, [5, 5], { perWalletLimit: 2, budget: 2_500n });
    const items = [0, 0, 1].map((index) => redemptionOf(at(codeIds, index)));
    expect(states(await call(items))).toEqual(['reserved', 'reserved', 'budget-exhausted']);
    expect(await places(at(codeIds, 1))).toEqual({ reserved: 0, redeemed: 0 });
    expect(await usesOf(groupId, at(items, 2).walletId)).toBe(0);
    expect(await budgetUsed(groupId)).toBe(2_000n);
  });

  test('limits and budgets of one group are nothing to another', async () => {
    const limited = await makeCode(databases, 5, { perWalletLimit: 1, budget: 1_000n });
    const free = await makeCode(databases, 5);
    const walletId = randomUUID();
    const items = [limited, limited, free, free].map(({ codeId }) => redemptionOf(codeId, { walletId }));
    expect(states(await call(items))).toEqual(['reserved', 'per-wallet-limit', 'reserved', 'reserved']);
    expect(await usesOf(free.groupId, walletId)).toBe(0);
    expect(await budgetUsed(free.groupId)).toBe(0n);
  });

  test.each<[reason: string, places: number, group: { budget?: bigint; perWalletLimit?: number }]>([
    ['code-exhausted', 2, {}],
    ['budget-exhausted', 9, { budget: 2_000n }],
    ['per-wallet-limit', 9, { perWalletLimit: 2 }],
  ])('those that have their verdict already do not count against the others: %s', async (reason, count, group) => {
    const { codeId } = await makeCode(databases, count, group);
    const walletId = randomUUID();
    const [known, fresh, tooMany] = [1, 2, 3].map(() => redemptionOf(codeId, { walletId }));
    const items = [known, fresh, tooMany].filter((item) => item !== undefined);
    await call(items.slice(0, 1));
    expect(states(await call(items))).toEqual(['reserved', 'reserved', reason]);
    expect(await places(codeId)).toEqual({ reserved: 2, redeemed: 0 });
  });
});

describe('while another batch is being reserved', () => {
  test('its places are not given twice: the second batch waits and gets what is left', async () => {
    const { codeId } = await makeCode(databases, 5);
    const first = await openTransaction(databases.giftCodeDb);
    const mine = Array.from({ length: 3 }, () => redemptionOf(codeId));
    const theirs = Array.from({ length: 4 }, () => redemptionOf(codeId));
    expect(states(await call(mine, 'first', first.db))).toEqual(['reserved', 'reserved', 'reserved']);
    const second = call(theirs, 'second');
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(states(await second)).toEqual(['reserved', 'reserved', 'code-exhausted', 'code-exhausted']);
    expect(await places(codeId)).toEqual({ reserved: 5, redeemed: 0 });
  });

  test('its places are free again if it fails', async () => {
    const { codeId } = await makeCode(databases);
    const first = await openTransaction(databases.giftCodeDb);
    await call([redemptionOf(codeId)], 'first', first.db);
    const second = call([redemptionOf(codeId)], 'second');
    await untilWaiting(databases.giftCode);
    await first.rollback();
    expect(states(await second)).toEqual(['reserved']);
    expect(await places(codeId)).toEqual({ reserved: 1, redeemed: 0 });
  });

  test.each([
    ['for the first time', 0],
    ['once more', 1],
  ])('a wallet does not get beyond its limit with two codes at once, %s', async (_, before) => {
    const { groupId, codeIds } = await makeGroup(databases, [1, 1, 1], { perWalletLimit: before + 1 });
    const walletId = randomUUID();
    await call(codeIds.slice(2, 2 + before).map((codeId) => redemptionOf(codeId, { walletId })));
    const first = await openTransaction(databases.giftCodeDb);
    await call([redemptionOf(at(codeIds, 0), { walletId })], 'first', first.db);
    const second = call([redemptionOf(at(codeIds, 1), { walletId })], 'second');
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(states(await second)).toEqual(['per-wallet-limit']);
    expect(await usesOf(groupId, walletId)).toBe(before + 1);
    expect(await places(at(codeIds, 1))).toEqual({ reserved: 0, redeemed: 0 });
  });

  test('a wallet does not get beyond its limit while that batch, judged already, waits for a third', async () => {
    const { groupId, codeIds } = await makeGroup(databases, [2, 2, 2], { perWalletLimit: 2 });
    const [elsewhere, walletId] = [await makeCode(databases), randomUUID()];
    await call([redemptionOf(at(codeIds, 2), { walletId })]);
    const contested = redemptionOf(elsewhere.codeId);
    const third = await openTransaction(databases.giftCodeDb);
    await call([contested], 'third', third.db);
    const codeId = at(codeIds, 0);
    const first = call([{ ...contested, codeId }, redemptionOf(codeId, { walletId })], 'first');
    await untilWaiting(databases.giftCode, 1);
    const second = call([redemptionOf(at(codeIds, 1), { walletId })], 'second');
    await untilWaiting(databases.giftCode, 2);
    await third.rollback();
    expect(states(await first)).toEqual(['reserved', 'reserved']);
    expect(states(await second)).toEqual(['per-wallet-limit']);
    expect(await usesOf(groupId, walletId)).toBe(2);
  });

  test('a budget is not spent twice with two codes at once', async () => {
    const { groupId, codeIds } = await makeGroup(databases, [1, 1], { budget: 1_999n });
    const first = await openTransaction(databases.giftCodeDb);
    await call([redemptionOf(at(codeIds, 0))], 'first', first.db);
    const second = call([redemptionOf(at(codeIds, 1))], 'second');
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(states(await second)).toEqual(['budget-exhausted']);
    expect(await budgetUsed(groupId)).toBe(1_000n);
  });

  test('other codes of a group without a budget do not wait', async () => {
    const { codeIds } = await makeGroup(databases, [1, 1]);
    const first = await openTransaction(databases.giftCodeDb);
    await call([redemptionOf(at(codeIds, 0))], 'first', first.db);
    expect(states(await call([redemptionOf(at(codeIds, 1))]))).toEqual(['reserved']);
    await first.commit();
  });

  test('rows that refer to a locked code do not wait, nor its locker for them', async () => {
    const { codeId } = await makeCode(databases);
    const first = await openTransaction(databases.giftCodeDb);
    await call([redemptionOf(codeId)], 'first', first.db);
    await databases.giftCode.query(`insert into code_hashes values ('\\x01', $1, 2)`, [codeId]);
    await databases.giftCode.query(`delete from code_hashes where hash = '\\x01'`);
    await first.commit();
  });

  test('a change of the limits of its group is not read half-way', async () => {
    const { groupId, codeId } = await makeCode(databases, 5, { perWalletLimit: 1 });
    const change = await hold(databases.giftCodeDb, 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [groupId]);
    const walletId = randomUUID();
    const waiting = call([redemptionOf(codeId, { walletId }), redemptionOf(codeId, { walletId })]);
    await untilWaiting(databases.giftCode);
    await databases.giftCode.query('update code_groups set per_wallet_limit = 2 where id = $1', [groupId]);
    await change.free();
    expect(states(await waiting)).toEqual(['reserved', 'reserved']);
    expect(await usesOf(groupId, walletId)).toBe(2);
  });
});

describe('two drivers of one redemption', () => {
  test('at the same time get one verdict and take one place', async () => {
    const { groupId, codeId } = await makeCode(databases, 5, { perWalletLimit: 5, budget: 5_000n });
    const item = redemptionOf(codeId);
    const first = await openTransaction(databases.giftCodeDb);
    const verdict = await call([item], 'first', first.db);
    const second = call([item], 'second');
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(await second).toEqual(verdict);
    expect(await places(codeId)).toEqual({ reserved: 1, redeemed: 0 });
    expect(await usesOf(groupId, item.walletId)).toBe(1);
    expect(await budgetUsed(groupId)).toBe(1_000n);
    expect(await eventsOf(databases.giftCode, item.redemptionId)).toEqual([
      { type: 'redemption.reserved', version: 1 },
    ]);
  });

  test('from two gateways with two codes: one code is taken, the other stays free', async () => {
    const [mine, theirs] = [await makeCode(databases), await makeCode(databases)];
    const item = redemptionOf(mine.codeId);
    const first = await openTransaction(databases.giftCodeDb);
    await call([item], 'first', first.db);
    const second = call([{ ...item, codeId: theirs.codeId }], 'second');
    await untilWaiting(databases.giftCode);
    await first.commit();
    expect(states(await second)).toEqual(['idempotency-key-reused']);
    expect(await places(mine.codeId)).toEqual({ reserved: 1, redeemed: 0 });
    expect(await places(theirs.codeId)).toEqual({ reserved: 0, redeemed: 0 });
    expect(await eventsOf(databases.giftCode, item.redemptionId)).toHaveLength(1);
  });

  test('one whose time-out came before its commit: the other sees what it did, one place is taken', async () => {
    const { codeId } = await makeCode(databases, 5);
    const item = redemptionOf(codeId);
    const lock = await hold(databases.giftCodeDb, 'select from codes where id = $1 for update', [codeId]);
    await giveUp(databases.giftCodeDb, (db, timeoutMs) => reserve(db, [item], 'given up', timeoutMs));
    await untilWaiting(databases.giftCode, 1);
    const second = call([item], 'second');
    await untilWaiting(databases.giftCode, 2);
    await lock.free();
    expect(await second).toEqual([{ state: 'reserved', reason: null, amount: 1000n, currency: 'USD' }]);
    expect(await rowOf(item.redemptionId)).toMatchObject({ workflow_id: 'given up' });
    expect(await places(codeId)).toEqual({ reserved: 1, redeemed: 0 });
  });

  test('a batch that runs again while one of its redemptions is driven alone finds it completed', async () => {
    const own = await createDatabases();
    const { codeIds } = await makeGroup(own, [1, 1], { perWalletLimit: 2 });
    const [first = '', second = ''] = codeIds.toSorted();
    const [walletId = ''] = await makeWallets(own, 1);
    const batch = [redemptionOf(first, { walletId }), redemptionOf(second, { walletId })];
    // The batch waits for the first code it locks, so that the single redemption overtakes it.
    const lock = await hold(own.giftCodeDb, 'select from codes where id = $1 for update', [first]);
    const again = reserve(own.giftCodeDb, batch, 'batch', TIMEOUT_MS);
    await untilWaiting(own.giftCode);
    await runSaga(own, [at(batch, 1)], 'alone');
    await lock.free();
    expect(states(await again)).toEqual(['reserved', 'completed']);
    await runSaga(own, batch, 'batch');
    const { rows: wallets } = await own.wallet.query('select balance from wallets');
    expect(wallets).toEqual([{ balance: '2000' }]);
    await assertCoherent(own);
    await own.close();
  });
});

describe('locks are taken in one order, so that no two batches wait for each other', () => {
  test.each<[step: string, call: (items: ReserveItem[]) => Promise<unknown>]>([
    ['reserve', (items) => call(items)],
    [
      'confirm',
      (items) => {
        const ids = items.map((item) => item.redemptionId);
        return confirm(databases.giftCodeDb, ids, 'w', TIMEOUT_MS);
      },
    ],
    [
      'release',
      (items) => {
        const undone = items.map((item) => ({ ...item, reason: 'aborted' }));
        return release(databases.giftCodeDb, undone, 'w', TIMEOUT_MS);
      },
    ],
  ])('%s: who waits for one code holds none of those after it', async (_, step) => {
    const { codeIds } = await makeGroup(databases, [3, 3, 3]);
    const [first = '', ...later] = codeIds.toSorted();
    const items = [...later.toReversed(), first].map((codeId) => redemptionOf(codeId));
    await call(items);
    const lock = await hold(databases.giftCodeDb, 'select from codes where id = $1 for update', [first]);
    const waiting = step(items);
    await untilWaiting(databases.giftCode);
    const free = await databases.giftCode.query('select from codes where id = any($1) for update nowait', [later]);
    expect(free.rowCount).toBe(2);
    await lock.free();
    await waiting;
  });
});

describe('many overlapping batches, in any order, at every step', () => {
  test('end without a deadlock, each redemption once, no limit exceeded and the books balanced', async () => {
    const own = await createDatabases();
    const random = randomNumbers(20260731);
    const groups = [
      await makeGroup(own, [1, 1, 1, 8, 8], {}),
      await makeGroup(own, [1, 1, 40, 40], { perWalletLimit: 3 }),
      await makeGroup(own, [30, 30, 2], { budget: 20_000n }),
      await makeGroup(own, [10, 50, 50], { perWalletLimit: 2, budget: 9_500n }),
    ];
    const codeIds = groups.flatMap((group) => group.codeIds);
    const walletIds = [...(await makeWallets(own, 8)), ...(await makeWallets(own, 2, 'EUR'))];
    await own.wallet.query(`update wallets set state = 'frozen' where id = $1`, [walletIds[0]]);
    const pick = <T>(list: T[]): T => at(list, Math.floor(random() * list.length));
    const items = Array.from({ length: 240 }, () => redemptionOf(pick(codeIds), { walletId: pick(walletIds) }));
    const batch = () => shuffled(items, random).slice(0, 1 + Math.floor(random() * 24));
    const drive = async (driver: number) => {
      for (let round = 0; round < 25; round++) {
        const run = random() < 0.15 ? runAbort : runSaga;
        await run(own, batch(), `driver-${driver}-${round}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, driver) => drive(driver)));
    await runSaga(own, items, 'last');
    await assertCoherent(own);

    const { rows: open } = await own.giftCode.query(`select state, count(*)::int from redemptions group by 1`);
    expect(open.map(({ state }) => state).sort()).toEqual(['completed', 'refused', 'released']);
    const { rows: limits } = await own.giftCode.query(
      `select g.id from code_groups g join wallet_uses u on u.group_id = g.id where u.uses > g.per_wallet_limit
       union all
       select g.id from code_groups g left join redemptions r on r.group_id = g.id and r.state in ('reserved', 'completed')
       where g.budget is not null group by g.id having g.budget_used <> coalesce(sum(r.amount), 0)`,
    );
    expect(limits).toEqual([]);
    const { rows: events } = await own.giftCode.query(
      `select r.id from redemptions r left join outbox o on o.aggregate_id = r.id and o.aggregate = 'redemption'
       where r.state <> 'refused' group by r.id
       having count(*) <> r.version or max(o.aggregate_version) <> r.version or count(distinct o.aggregate_version) <> r.version`,
    );
    expect(events).toEqual([]);

    // The sessions' counts arrive when they end.
    await Promise.all([own.giftCodeDb.close(), own.walletDb.close()]);
    expect([await deadlocks(own.giftCode), await deadlocks(own.wallet)]).toEqual([0, 0]);
    await Promise.all([own.giftCode.end(), own.wallet.end()]);
  });
});

describe('the same ids sent to many gateways, each time with another code and in another order', () => {
  test('end without a deadlock, each on one of its codes', async () => {
    const own = await createDatabases();
    const random = randomNumbers(7);
    const { codeIds } = await makeGroup(own, Array(8).fill(1_000));
    const items = Array.from({ length: 400 }, () => redemptionOf(at(codeIds, 0)));
    const answers = await Promise.all(
      codeIds.map((codeId) => {
        const twins = shuffled(items, random).map((item) => ({ ...item, codeId }));
        return reserve(own.giftCodeDb, twins, 'w', TIMEOUT_MS);
      }),
    );
    const verdicts = states(answers.flat());
    expect(verdicts.filter((verdict) => verdict === 'reserved')).toHaveLength(items.length);
    expect(verdicts.filter((verdict) => verdict === 'idempotency-key-reused')).toHaveLength(items.length * 7);
    await assertCoherent(own);
    // The sessions' counts arrive when they end.
    await own.giftCodeDb.close();
    expect(await deadlocks(own.giftCode)).toBe(0);
    await Promise.all([own.walletDb.close(), own.giftCode.end(), own.wallet.end()]);
  });
});

describe('the database itself refuses', () => {
  test('a second verdict on a redemption id', async () => {
    const { codeId } = await makeCode(databases, 5);
    const item = redemptionOf(codeId);
    await one(item);
    await expect(
      databases.giftCode.query(`insert into redemptions select r.* from redemptions r where id = $1`, [
        item.redemptionId,
      ]),
    ).rejects.toMatchObject({ code: '23505', constraint: 'redemptions_pkey' });
  });

  test.each([
    ['more places taken than there are', 'reserved = max_redemptions + 1'],
    ['a place given back that was not taken', 'reserved = -1'],
    ['a negative number of uses', 'redeemed = -1'],
    ['reserved and redeemed together above the places', 'reserved = max_redemptions, redeemed = 1'],
  ])('%s', async (_, change) => {
    const { codeId } = await makeCode(databases, 2);
    await expect(databases.giftCode.query(`update codes set ${change} where id = $1`, [codeId])).rejects.toMatchObject({
      code: '23514',
      constraint: 'codes_places',
    });
  });

  test.each([
    ['a budget overdrawn', 'update code_groups set budget_used = budget + 1 where id = $1', 'code_groups_budget'],
    ['a budget given back twice', 'update code_groups set budget_used = -1 where id = $1', 'code_groups_budget'],
    ['uses given back twice', 'update wallet_uses set uses = -1 where group_id = $1', 'wallet_uses_uses'],
    [
      'a completed redemption without its use number',
      `update redemptions set state = 'completed', settled_at = now() where group_id = $1`,
      'redemptions_use_number',
    ],
    [
      'a release without a reason',
      `update redemptions set state = 'released', settled_at = now() where group_id = $1`,
      'redemptions_reason',
    ],
    [
      'a completed redemption without its time',
      `update redemptions set state = 'completed', use_number = 1 where group_id = $1`,
      'redemptions_settled_at',
    ],
    [
      'the time of one that is not over',
      'update redemptions set settled_at = now() where group_id = $1',
      'redemptions_settled_at',
    ],
    [
      'a use that is kept by one that was not reversed',
      'update redemptions set place_kept = true where group_id = $1',
      'redemptions_place_kept',
    ],
  ])('%s', async (_, sql, constraint) => {
    const { groupId, codeId } = await makeCode(databases, 2, { budget: 5_000n, perWalletLimit: 5 });
    await one(redemptionOf(codeId));
    await expect(databases.giftCode.query(sql, [groupId])).rejects.toMatchObject({ code: '23514', constraint });
  });
});

/** Numbers from 0 to below 1, the same for the same seed: mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled<T>(list: T[], random: () => number): T[] {
  return list
    .map((element) => ({ element, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ element }) => element);
}

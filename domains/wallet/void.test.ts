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
  makeWallet,
  makeWallets,
  openTransaction,
  redemptionOf,
  runAbort,
  runSaga,
  TIMEOUT_MS,
  untilWaiting,
} from '../../test/database.ts';
import { assertCoherent, forFile } from '../../test/harness.ts';
import { credit } from './credit.ts';
import { type VoidItem, voidCredit } from './void.ts';

const databases = await forFile(createDatabases());

const call = (items: VoidItem[], db = databases.walletDb) => voidCredit(db, items, TIMEOUT_MS);
const pay = (items: VoidItem[], db = databases.walletDb) =>
  credit(
    db,
    items.map((item) => ({ ...item, amount: 1000n, currency: 'USD' })),
    TIMEOUT_MS,
  );
const annul = (walletId: string, more: Partial<VoidItem> = {}): VoidItem => {
  return { redemptionId: randomUUID(), walletId, reason: 'aborted', ...more };
};
async function walletOf(walletId: string) {
  const { rows } = await databases.wallet.query('select balance, version::int from wallets where id = $1', [walletId]);
  return rows[0];
}
/** A wallet's events, which have to be its versions from 1 on, each once. */
async function typesOf(walletId: string): Promise<string[]> {
  const events = await eventsOf(databases.wallet, walletId);
  expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
  expect((await walletOf(walletId)).version).toBe(events.length);
  return events.map(({ type }) => type);
}

describe('a void', () => {
  test('decides that a redemption is not paid, for good, with its reason, and is announced once', async () => {
    const walletId = await makeWallet(databases);
    const item = annul(walletId, { reason: 'aborted: by mistake' });
    expect(await call([item])).toEqual([
      {
        id: item.redemptionId,
        voided: true,
        reason: 'aborted: by mistake',
        amount: null,
        balance_after: null,
        wallet_version: 2n,
        wallet_id: walletId,
        phone: expect.stringMatching(/^\+/),
        currency: 'USD',
        created_at: expect.any(Date),
      },
    ]);
    expect(await walletOf(walletId)).toEqual({ balance: '0', version: 2 });
    expect(await typesOf(walletId)).toEqual(['wallet.created', 'wallet.voided']);
    const { rows } = await databases.wallet.query(
      `select data from outbox where aggregate_id = $1 and type = 'wallet.voided'`,
      [walletId],
    );
    expect(rows).toEqual([
      {
        data: {
          wallet_id: walletId,
          kind: 'void',
          redemption_id: item.redemptionId,
          reason: 'aborted: by mistake',
        },
      },
    ]);
    expect(await pay([item])).toMatchObject([{ voided: true }]);
    expect(await walletOf(walletId)).toMatchObject({ balance: '0' });
  });

  test('of what is paid answers so and takes nothing back', async () => {
    const walletId = await makeWallet(databases);
    const item = annul(walletId);
    const paid = await pay([item]);
    const before = await dump(databases.wallet);
    expect(await call([item])).toEqual(paid);
    expect(await dump(databases.wallet)).toEqual(before);
  });

  test('repeated keeps its first reason and writes nothing', async () => {
    const item = annul(await makeWallet(databases));
    const first = await call([item]);
    const before = await dump(databases.wallet);
    expect(await call([{ ...item, reason: 'another' }])).toEqual(first);
    expect(await dump(databases.wallet)).toEqual(before);
  });

  test('of a wallet that does not exist is a decision too: a late credit finds it', async () => {
    const item = annul(randomUUID());
    expect(await call([item])).toMatchObject([{ id: item.redemptionId, voided: true, wallet_id: null }]);
    expect(await pay([item])).toMatchObject([{ voided: true, reason: 'aborted' }]);
  });

  test('of many answers in their order, each wallet with a version and an event a void', async () => {
    const [mine = '', other = ''] = await makeWallets(databases, 2);
    const items = [mine, other, mine, mine].map((walletId, index) => annul(walletId, { reason: `reason-${index}` }));
    await pay([at(items, 2)]);
    const decisions = await call(items.toReversed());
    expect(decisions.map(({ id, voided, reason }) => [id, voided ? reason : 'paid'])).toEqual([
      [items[3]?.redemptionId, 'reason-3'],
      [items[2]?.redemptionId, 'paid'],
      [items[1]?.redemptionId, 'reason-1'],
      [items[0]?.redemptionId, 'reason-0'],
    ]);
    expect(await typesOf(mine)).toEqual(['wallet.created', 'wallet.credited', 'wallet.voided', 'wallet.voided']);
    expect(await typesOf(other)).toEqual(['wallet.created', 'wallet.voided']);
  });

  test('of nobody works: the breaker asks so', async () => {
    expect(await call([])).toEqual([]);
  });

  test('that begins after its deadline writes nothing: its caller may have gone on', async () => {
    const item = annul(await makeWallet(databases));
    const before = await dump(databases.wallet);
    const late = { ...databases.walletDb, nowMs: () => databases.walletDb.nowMs() - 2 * TIMEOUT_MS };
    await expect(call([item], late)).rejects.toMatchObject({ name: 'DatabaseUnavailable', cause: { code: 'VS001' } });
    expect(await dump(databases.wallet)).toEqual(before);
  });
});

describe('a void while its credit is under way', () => {
  test('waits, and finds it paid', async () => {
    const walletId = await makeWallet(databases);
    const item = annul(walletId);
    const first = await openTransaction(databases.walletDb);
    const paid = await pay([item], first.db);
    const abort = call([item]);
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await abort).toEqual(paid);
    expect(await walletOf(walletId)).toEqual({ balance: '1000', version: 2 });
    expect(await typesOf(walletId)).toEqual(['wallet.created', 'wallet.credited']);
  });

  test('decides if the credit fails', async () => {
    const walletId = await makeWallet(databases);
    const item = annul(walletId);
    const first = await openTransaction(databases.walletDb);
    await pay([item], first.db);
    const abort = call([item]);
    await untilWaiting(databases.wallet);
    await first.rollback();
    expect(await abort).toMatchObject([{ voided: true }]);
    expect(await typesOf(walletId)).toEqual(['wallet.created', 'wallet.voided']);
  });

  test('that timed out before its commit finds it paid in the end', async () => {
    const walletId = await makeWallet(databases);
    const item = annul(walletId);
    const lock = await hold(databases.walletDb, 'select from wallets where id = $1 for update', [walletId]);
    await giveUp(databases.walletDb, (db, timeoutMs) =>
      credit(db, [{ ...item, amount: 1000n, currency: 'USD' }], timeoutMs),
    );
    await untilWaiting(databases.wallet, 1);
    const abort = call([item]);
    await untilWaiting(databases.wallet, 2);
    await lock.free();
    expect(await abort).toMatchObject([{ voided: false, amount: 1000n }]);
    expect(await walletOf(walletId)).toEqual({ balance: '1000', version: 2 });
  });
});

describe('two voids of one redemption at the same time', () => {
  test('are one decision', async () => {
    const walletId = await makeWallet(databases);
    const item = annul(walletId);
    const first = await openTransaction(databases.walletDb);
    const decision = await call([item], first.db);
    const second = call([{ ...item, reason: 'another' }]);
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await second).toEqual(decision);
    expect(await typesOf(walletId)).toEqual(['wallet.created', 'wallet.voided']);
  });

  test('of which the first timed out before its commit are one decision', async () => {
    const walletId = await makeWallet(databases);
    const item = annul(walletId);
    const lock = await hold(databases.walletDb, 'select from wallets where id = $1 for update', [walletId]);
    await giveUp(databases.walletDb, (db, timeoutMs) => voidCredit(db, [item], timeoutMs));
    await untilWaiting(databases.wallet, 1);
    const second = call([{ ...item, reason: 'another' }]);
    await untilWaiting(databases.wallet, 2);
    await lock.free();
    expect(await second).toMatchObject([{ voided: true, reason: 'aborted' }]);
    expect(await typesOf(walletId)).toEqual(['wallet.created', 'wallet.voided']);
  });

  test('with two wallets leave no gap in the versions of either: consumers would wait for the missing one', async () => {
    const [mine = '', other = ''] = await makeWallets(databases, 2);
    const item = annul(mine);
    const first = await openTransaction(databases.walletDb);
    const decision = await call([item], first.db);
    const second = call([{ ...item, walletId: other }, annul(other)]);
    await untilWaiting(databases.wallet);
    await first.commit();
    expect((await second)[0]).toEqual(at(decision, 0));
    expect(await typesOf(mine)).toEqual(['wallet.created', 'wallet.voided']);
    expect(await typesOf(other)).toEqual(['wallet.created', 'wallet.voided']);
  });
});

describe('a whole redemption and its abort', () => {
  test('in whatever order end alike in both databases: paid and completed, or voided and released', async () => {
    const own = await createDatabases();
    const [walletId = ''] = await makeWallets(own, 1);
    const { codeId } = await makeCode(own, 40);
    const items = Array.from({ length: 40 }, () => redemptionOf(codeId, { walletId }));
    await Promise.all(
      items.flatMap((item, index) => {
        const [saga, abort] = [
          () => runSaga(own, [item], `saga-${index}`),
          () => runAbort(own, [item], `abort-${index}`),
        ];
        return index % 2 === 0 ? [saga(), abort()] : [abort(), saga()];
      }),
    );
    await assertCoherent(own);
    const { rows } = await own.giftCode.query(
      `select count(*) filter (where state in ('completed', 'released'))::int as over, count(*)::int as all from redemptions`,
    );
    expect(rows).toEqual([{ over: 40, all: 40 }]);
    await own.close();
  });
});

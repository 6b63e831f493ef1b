import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MAX_AMOUNT } from '../../platform/money.ts';
import {
  at,
  createDatabases,
  dump,
  eventsOf,
  giveUp,
  hold,
  makeWallet,
  makeWallets,
  openTransaction,
  TIMEOUT_MS,
  untilWaiting,
} from '../../test/database.ts';
import { forFile } from '../../test/harness.ts';
import { type CreditItem, credit } from './credit.ts';
import { voidCredit } from './void.ts';

const databases = await forFile(createDatabases());

const call = (items: CreditItem[], db = databases.walletDb) => credit(db, items, TIMEOUT_MS);
const annul = (items: CreditItem[], db = databases.walletDb) =>
  voidCredit(
    db,
    items.map((item) => ({ ...item, reason: 'aborted' })),
    TIMEOUT_MS,
  );
const order = (walletId: string, more: Partial<CreditItem> = {}): CreditItem => {
  return { redemptionId: randomUUID(), walletId, amount: 1000n, currency: 'USD', ...more };
};
const outcomes = (decisions: { voided: boolean; reason: string | null }[]) =>
  decisions.map(({ voided, reason }) => (voided ? reason : 'credited'));

async function walletOf(walletId: string) {
  const { rows } = await databases.wallet.query('select balance, version::int from wallets where id = $1', [walletId]);
  return rows[0];
}
const freeze = (walletId: string, state = 'frozen') =>
  databases.wallet.query('update wallets set state = $2 where id = $1', [walletId, state]);
/** A wallet's events, which have to be its versions from 1 on, each once. */
async function typesOf(walletId: string): Promise<string[]> {
  const events = await eventsOf(databases.wallet, walletId);
  expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
  return events.map(({ type }) => type);
}

describe('a credit', () => {
  test('is one double-entry row from issuance to the wallet, moves its balance, and is announced once', async () => {
    const walletId = await makeWallet(databases);
    const item = order(walletId, { amount: 700n });
    const [decision] = await call([item]);
    const { rows: wallets } = await databases.wallet.query('select phone from wallets where id = $1', [walletId]);
    expect(decision).toEqual({
      id: item.redemptionId,
      voided: false,
      reason: null,
      amount: 700n,
      balance_after: 700n,
      wallet_version: 2n,
      wallet_id: walletId,
      phone: wallets[0].phone,
      currency: 'USD',
      created_at: expect.any(Date),
    });
    const { rows } = await databases.wallet.query(
      `select t.kind, t.wallet_id, t.credit_account, t.amount, t.currency, t.balance_after, t.reason, a.name, a.currency as of
       from transfers t join system_accounts a on a.id = t.debit_account where t.id = $1`,
      [item.redemptionId],
    );
    expect(rows).toEqual([
      {
        kind: 'redemption',
        wallet_id: walletId,
        credit_account: walletId,
        amount: '700',
        currency: 'USD',
        balance_after: '700',
        reason: null,
        name: 'issuance',
        of: 'USD',
      },
    ]);
    expect(await walletOf(walletId)).toEqual({ balance: '700', version: 2 });
    expect(await typesOf(walletId)).toEqual(['wallet.created', 'wallet.credited']);
    const { rows: events } = await databases.wallet.query(
      `select data from outbox where aggregate_id = $1 and aggregate_version = 2`,
      [walletId],
    );
    expect(events).toEqual([
      {
        data: {
          wallet_id: walletId,
          kind: 'redemption',
          transaction_id: item.redemptionId,
          redemption_id: item.redemptionId,
          amount: { value: 700, currency: 'USD' },
          balance: { value: 700, currency: 'USD' },
        },
      },
    ]);
  });

  test('answers in the order of the items, and a wallet in the batch twice sees the balance of its first', async () => {
    const [mine = '', other = ''] = await makeWallets(databases, 2);
    const items = [mine, other, mine].map((walletId, index) => order(walletId, { amount: BigInt(index + 1) }));
    const decisions = await call(items);
    expect(decisions.map(({ id, balance_after, wallet_version }) => ({ id, balance_after, wallet_version }))).toEqual([
      { id: at(items, 0).redemptionId, balance_after: 1n, wallet_version: 2n },
      { id: at(items, 1).redemptionId, balance_after: 2n, wallet_version: 2n },
      { id: at(items, 2).redemptionId, balance_after: 4n, wallet_version: 3n },
    ]);
    expect(await walletOf(mine)).toEqual({ balance: '4', version: 3 });
    expect(await typesOf(mine)).toEqual(['wallet.created', 'wallet.credited', 'wallet.credited']);
    const reversed = (await call(items.toReversed())).map(({ id }) => id);
    expect(reversed).toEqual(items.toReversed().map(({ redemptionId }) => redemptionId));
  });

  test('repeated is answered as at first, also when the wallet has moved or been frozen, and writes nothing', async () => {
    const walletId = await makeWallet(databases);
    const item = order(walletId);
    const first = await call([item]);
    await call([order(walletId)]);
    await freeze(walletId);
    const before = await dump(databases.wallet);
    expect(await call([item])).toEqual(first);
    expect(await dump(databases.wallet)).toEqual(before);
  });

  test('of nobody works: the breaker asks so', async () => {
    expect(await call([])).toEqual([]);
  });

  test('that begins after its deadline writes nothing: its caller may have gone on', async () => {
    const item = order(await makeWallet(databases));
    const before = await dump(databases.wallet);
    const late = { ...databases.walletDb, nowMs: () => databases.walletDb.nowMs() - 2 * TIMEOUT_MS };
    await expect(call([item], late)).rejects.toMatchObject({ name: 'DatabaseUnavailable', cause: { code: 'VS001' } });
    expect(await dump(databases.wallet)).toEqual(before);
  });
});

describe('a wallet that cannot take the money', () => {
  test.each<[reason: string, prepare: () => Promise<CreditItem>]>([
    ['wallet-not-found', async () => order(randomUUID())],
    [
      'wallet-frozen',
      async () => {
        const walletId = await makeWallet(databases);
        await freeze(walletId);
        return order(walletId);
      },
    ],
    ['currency-mismatch', async () => order(await makeWallet(databases, 'EUR'))],
    [
      'balance-limit',
      async () => {
        const walletId = await makeWallet(databases);
        await call([order(walletId, { amount: MAX_AMOUNT })]);
        return order(walletId, { amount: 1n });
      },
    ],
  ])('%s: the redemption is voided for good, and the balance stays', async (reason, prepare) => {
    const item = await prepare();
    const before = await walletOf(item.walletId);
    const [decision] = await call([item]);
    expect(decision).toMatchObject({ voided: true, reason, amount: null, balance_after: null });
    expect((await walletOf(item.walletId))?.balance).toBe(before?.balance);
    if (before) expect((await typesOf(item.walletId)).at(-1)).toBe('wallet.voided');
    await freeze(item.walletId, 'active');
    const text = await dump(databases.wallet);
    expect(await call([{ ...item, currency: 'EUR', amount: 1n }])).toEqual([decision]);
    expect(await dump(databases.wallet)).toEqual(text);
  });

  test('holds up none of the others in its batch', async () => {
    const [frozen = '', mine = ''] = await makeWallets(databases, 2);
    await freeze(frozen);
    const items = [order(mine), order(frozen), order(randomUUID()), order(mine, { currency: 'EUR' }), order(mine)];
    expect(outcomes(await call(items))).toEqual([
      'credited',
      'wallet-frozen',
      'wallet-not-found',
      'currency-mismatch',
      'credited',
    ]);
    expect(await walletOf(mine)).toEqual({ balance: '2000', version: 4 });
    expect(await typesOf(mine)).toEqual(['wallet.created', 'wallet.credited', 'wallet.voided', 'wallet.credited']);
  });

  test('can be filled to 2^53 - 1 exactly, within one batch too', async () => {
    const walletId = await makeWallet(databases);
    const amounts = [MAX_AMOUNT - 5n, 6n, 5n, 1n];
    const decisions = await call(amounts.map((amount) => order(walletId, { amount })));
    expect(outcomes(decisions)).toEqual(['credited', 'balance-limit', 'credited', 'balance-limit']);
    expect(await walletOf(walletId)).toMatchObject({ balance: String(MAX_AMOUNT) });
  });
});

describe('two drivers of one redemption', () => {
  test('at the same time make one credit and hear the same', async () => {
    const walletId = await makeWallet(databases);
    const item = order(walletId);
    const first = await openTransaction(databases.walletDb);
    const decision = await call([item], first.db);
    const second = call([item]);
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await second).toEqual(decision);
    expect(await walletOf(walletId)).toEqual({ balance: '1000', version: 2 });
    expect(await typesOf(walletId)).toEqual(['wallet.created', 'wallet.credited']);
  });

  test('of which the first fails leave one credit', async () => {
    const walletId = await makeWallet(databases);
    const item = order(walletId);
    const first = await openTransaction(databases.walletDb);
    await call([item], first.db);
    const second = call([item]);
    await untilWaiting(databases.wallet);
    await first.rollback();
    expect(outcomes(await second)).toEqual(['credited']);
    expect(await walletOf(walletId)).toEqual({ balance: '1000', version: 2 });
  });

  test('of which the first timed out before its commit leave one credit', async () => {
    const walletId = await makeWallet(databases);
    const item = order(walletId);
    const lock = await hold(databases.walletDb, 'select from wallets where id = $1 for update', [walletId]);
    await giveUp(databases.walletDb, (db, timeoutMs) => credit(db, [item], timeoutMs));
    await untilWaiting(databases.wallet, 1);
    const second = call([item]);
    await untilWaiting(databases.wallet, 2);
    await lock.free();
    expect(outcomes(await second)).toEqual(['credited']);
    expect(await walletOf(walletId)).toEqual({ balance: '1000', version: 2 });
  });

  test('one of which runs the whole batch again credit each of the batch once', async () => {
    const [blocked = '', free = ''] = (await makeWallets(databases, 2)).toSorted();
    const batch = [order(blocked), order(free)];
    const lock = await hold(databases.walletDb, 'select from wallets where id = $1 for update', [blocked]);
    const again = call(batch);
    await untilWaiting(databases.wallet);
    const alone = await call(batch.slice(1));
    await lock.free();
    expect((await again)[1]).toEqual(alone[0]);
    expect([await walletOf(blocked), await walletOf(free)]).toEqual([
      { balance: '1000', version: 2 },
      { balance: '1000', version: 2 },
    ]);
  });

  test('with two wallets at the same time pay one of them', async () => {
    const [mine = '', other = ''] = await makeWallets(databases, 2);
    const item = order(mine);
    const first = await openTransaction(databases.walletDb);
    const decision = await call([item], first.db);
    const next = order(other);
    const second = call([{ ...item, walletId: other }, next]);
    await untilWaiting(databases.wallet);
    await first.commit();
    const [same, own] = await second;
    expect(same).toEqual(at(decision, 0));
    expect(own).toMatchObject({ id: next.redemptionId, voided: false, balance_after: 1000n, wallet_version: 2n });
    expect(await walletOf(other)).toEqual({ balance: '1000', version: 2 });
    expect(await typesOf(other)).toEqual(['wallet.created', 'wallet.credited']);
  });

  test('of other redemptions into the same wallet add up', async () => {
    const walletId = await makeWallet(databases);
    const first = await openTransaction(databases.walletDb);
    await call([order(walletId)], first.db);
    const second = call([order(walletId)]);
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await second).toMatchObject([{ balance_after: 2000n, wallet_version: 3n }]);
    expect(await walletOf(walletId)).toEqual({ balance: '2000', version: 3 });
  });
});

describe('an abort against a late credit', () => {
  test('that came first: the credit finds it voided and pays nothing', async () => {
    const walletId = await makeWallet(databases);
    const item = order(walletId);
    const abort = await openTransaction(databases.walletDb);
    const decision = await annul([item], abort.db);
    const late = call([item]);
    await untilWaiting(databases.wallet);
    await abort.commit();
    expect(await late).toEqual(decision);
    expect(await walletOf(walletId)).toMatchObject({ balance: '0' });
    expect(await typesOf(walletId)).toEqual(['wallet.created', 'wallet.voided']);
  });

  test('that came first and failed: the credit is paid', async () => {
    const walletId = await makeWallet(databases);
    const item = order(walletId);
    const abort = await openTransaction(databases.walletDb);
    await annul([item], abort.db);
    const late = call([item]);
    await untilWaiting(databases.wallet);
    await abort.rollback();
    expect(outcomes(await late)).toEqual(['credited']);
    expect(await typesOf(walletId)).toEqual(['wallet.created', 'wallet.credited']);
  });

  test('that was overtaken while it waited: the credit which timed out pays nothing when it goes on', async () => {
    const [blocked = '', free = ''] = (await makeWallets(databases, 2)).toSorted();
    const items = [order(blocked), order(free)];
    const lock = await hold(databases.walletDb, 'select from wallets where id = $1 for update', [blocked]);
    await giveUp(databases.walletDb, (db, timeoutMs) => credit(db, items, timeoutMs));
    await untilWaiting(databases.wallet);
    expect(outcomes(await annul(items.slice(1)))).toEqual(['aborted']);
    // Comes second for the lock, so that its answer is the end of the call given up.
    const next = call(items);
    await untilWaiting(databases.wallet, 2);
    await lock.free();
    expect(outcomes(await next)).toEqual(['credited', 'aborted']);
    expect(await walletOf(blocked)).toEqual({ balance: '1000', version: 2 });
    expect(await walletOf(free)).toEqual({ balance: '0', version: 2 });
  });
});

describe('locks are taken in one order, so that no two batches wait for each other', () => {
  test.each([
    ['credit', call],
    ['void', annul],
  ])('%s: who waits for one wallet holds none of those after it', async (_, step) => {
    const [first = '', ...later] = (await makeWallets(databases, 3)).toSorted();
    const lock = await hold(databases.walletDb, 'select from wallets where id = $1 for update', [first]);
    const waiting = step([...later.toReversed(), first].map((walletId) => order(walletId)));
    await untilWaiting(databases.wallet);
    const free = await databases.wallet.query('select from wallets where id = any($1) for update nowait', [later]);
    expect(free.rowCount).toBe(2);
    await lock.free();
    await waiting;
  });
});

describe('the database itself refuses', () => {
  test('a second decision about a redemption', async () => {
    const item = order(await makeWallet(databases));
    await call([item]);
    await expect(
      databases.wallet.query(`insert into transfers (id, kind, reason) values ($1, 'void', 'late')`, [
        item.redemptionId,
      ]),
    ).rejects.toMatchObject({ code: '23505', constraint: 'transfers_pkey' });
  });

  test.each([
    ['a negative balance', 'balance = -1'],
    ['a balance that JSON would round', 'balance = 9007199254740992'],
  ])('%s', async (_, change) => {
    const walletId = await makeWallet(databases);
    await expect(
      databases.wallet.query(`update wallets set ${change} where id = $1`, [walletId]),
    ).rejects.toMatchObject({ code: '23514', constraint: 'wallets_balance' });
  });

  test.each(['update transfers set amount = 1', 'delete from transfers', 'truncate transfers'])(
    'to edit or erase a movement: %s',
    async (sql) => {
      await expect(databases.wallet.query(sql)).rejects.toMatchObject({ message: 'transfers are append-only' });
    },
  );

  test('a transfer without its wallet, and to part a wallet from its transfers', async () => {
    const item = order(await makeWallet(databases));
    await call([item]);
    const insert = `insert into transfers (id, kind, wallet_id, wallet_version, reason) values ($1, 'void', $2, 9, 'late')`;
    for (const [sql, values] of [
      [insert, [randomUUID(), randomUUID()]],
      ['delete from wallets where id = $1', [item.walletId]],
      ['update wallets set id = $2 where id = $1', [item.walletId, randomUUID()]],
    ] as const) {
      await expect(databases.wallet.query(sql, [...values])).rejects.toMatchObject({
        code: expect.stringMatching(/^23/),
      });
    }
  });

  test.each([
    ['without one of its accounts', { debit_account: null }],
    ['of nothing', { amount: '0' }],
    ['of less than nothing', { amount: '-5' }],
    ['from an account to itself', { debit_account: 'wallet' }],
    ['between two other accounts', { credit_account: randomUUID() }],
    ['without the balance after it', { balance_after: null }],
    ['that is a void as well', { kind: 'void', reason: 'aborted' }],
  ])('a movement %s', async (_, change: Record<string, string | null>) => {
    const walletId = await makeWallet(databases);
    const movement: Record<string, string | null> = {
      id: randomUUID(),
      kind: 'credit',
      wallet_id: walletId,
      debit_account: randomUUID(),
      credit_account: walletId,
      amount: '5',
      currency: 'USD',
      balance_after: '5',
      wallet_version: '2',
      reason: null,
      ...change,
    };
    if (movement.debit_account === 'wallet') movement.debit_account = walletId;
    const columns = Object.keys(movement);
    const sql = `insert into transfers (${columns}) values (${columns.map((_, index) => `$${index + 1}`)})`;
    await expect(databases.wallet.query(sql, Object.values(movement))).rejects.toMatchObject({
      code: '23514',
      constraint: 'transfers_movement',
    });
  });

  test('two movements of a wallet with one version', async () => {
    const walletId = await makeWallet(databases);
    await call([order(walletId)]);
    await expect(
      databases.wallet.query(
        `insert into transfers (id, kind, wallet_id, wallet_version, reason) values ($1, 'void', $2, 2, 'late')`,
        [randomUUID(), walletId],
      ),
    ).rejects.toMatchObject({ code: '23505', constraint: 'transfers_wallet_version' });
  });
});

import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MAX_AMOUNT } from '../../platform/money.ts';
import {
  CLIENT_ID,
  createDatabases,
  deadlocks,
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
import { assertCoherent, forFile } from '../../test/harness.ts';
import { credit } from './credit.ts';
import { postTransfer, type TransferOrder } from './post-transfer.ts';

const databases = await forFile(createDatabases());

const call = (order: TransferOrder, db = databases.walletDb) => postTransfer(db, order, TIMEOUT_MS);
const order = (walletId: string, more: Partial<TransferOrder> = {}): TransferOrder => ({
  id: randomUUID(),
  kind: 'credit',
  walletId,
  clientId: CLIENT_ID,
  amount: 1000n,
  currency: 'USD',
  reference: null,
  note: null,
  ...more,
});
const done = { refusal: null, replayed: false };
const repeated = { refusal: null, replayed: true };
const refused = (refusal: string) => ({ refusal, replayed: false });

async function walletOf(walletId: string) {
  const { rows } = await databases.wallet.query('select balance, version::int from wallets where id = $1', [walletId]);
  return rows[0];
}

describe('an order', () => {
  test.each([
    ['credit', 'wallet.credited', 'operator', 'wallet'],
    ['debit', 'wallet.debited', 'wallet', 'operator'],
  ] as const)('to %s is one double-entry row and one event', async (kind, type, from, to) => {
    const walletId = await makeWallet(databases);
    await call(order(walletId, { amount: 5_000n }));
    const sent = order(walletId, { kind, amount: 700n, reference: `order-${kind}`, note: 'for the delay' });
    expect(await call(sent)).toEqual(done);
    const balance = kind === 'credit' ? '5700' : '4300';
    const { rows: accounts } = await databases.wallet.query(
      `select id from system_accounts where name = 'operator' and currency = 'USD'`,
    );
    const account = { operator: accounts[0].id, wallet: walletId };
    const { rows } = await databases.wallet.query('select * from transfers where id = $1', [sent.id]);
    expect(rows).toMatchObject([
      {
        kind,
        wallet_id: walletId,
        debit_account: account[from],
        credit_account: account[to],
        client_id: CLIENT_ID,
        amount: '700',
        balance_after: balance,
        wallet_version: '3',
        currency: 'USD',
        reason: null,
        reference: `order-${kind}`,
        note: 'for the delay',
      },
    ]);
    expect(await walletOf(walletId)).toEqual({ balance, version: 3 });
    expect((await eventsOf(databases.wallet, walletId)).at(-1)).toEqual({ type, version: 3 });
  });

  test('can empty a wallet to 0 and fill it to 2^53 - 1 exactly', async () => {
    const walletId = await makeWallet(databases);
    expect(await call(order(walletId, { amount: MAX_AMOUNT }))).toEqual(done);
    expect(await call(order(walletId, { kind: 'debit', amount: MAX_AMOUNT }))).toEqual(done);
    expect(await walletOf(walletId)).toMatchObject({ balance: '0' });
  });

  test('repeated is done once, also when it would be refused by now', async () => {
    const walletId = await makeWallet(databases);
    const sent = order(walletId, { reference: 'twice' });
    expect(await call(sent)).toEqual(done);
    await databases.wallet.query(`update wallets set state = 'frozen' where id = $1`, [walletId]);
    const before = await dump(databases.wallet);
    expect(await call(sent)).toEqual(repeated);
    expect(await dump(databases.wallet)).toEqual(before);
  });
});

describe('an order refused writes nothing', () => {
  test.each<[reason: string, prepare: () => Promise<TransferOrder>]>([
    ['wallet-not-found', async () => order(randomUUID())],
    [
      'wallet-frozen',
      async () => {
        const walletId = await makeWallet(databases);
        await databases.wallet.query(`update wallets set state = 'frozen' where id = $1`, [walletId]);
        return order(walletId);
      },
    ],
    ['currency-mismatch', async () => order(await makeWallet(databases, 'EUR'))],
    [
      'balance-limit',
      async () => {
        const walletId = await makeWallet(databases);
        await call(order(walletId, { amount: MAX_AMOUNT }));
        return order(walletId, { amount: 1n });
      },
    ],
    [
      'insufficient-funds',
      async () => {
        const walletId = await makeWallet(databases);
        await call(order(walletId, { amount: 999n }));
        return order(walletId, { kind: 'debit' });
      },
    ],
    [
      'reference-reused',
      async () => {
        const walletId = await makeWallet(databases);
        await call(order(walletId, { reference: 'used' }));
        return order(await makeWallet(databases), { reference: 'used' });
      },
    ],
  ])('%s', async (reason, prepare) => {
    const sent = await prepare();
    const before = await dump(databases.wallet);
    expect(await call(sent)).toEqual(refused(reason));
    expect(await dump(databases.wallet)).toEqual(before);
  });

  test('and may be sent again when the reason is gone', async () => {
    const walletId = await makeWallet(databases);
    const sent = order(walletId, { kind: 'debit', reference: 'later' });
    expect(await call(sent)).toEqual(refused('insufficient-funds'));
    await call(order(walletId));
    expect(await call(sent)).toEqual(done);
  });
});

describe('a reference', () => {
  test('is used once per kind and client: others may use the same', async () => {
    const walletId = await makeWallet(databases);
    const reference = randomUUID();
    expect(await call(order(walletId, { reference }))).toEqual(done);
    expect(await call(order(walletId, { reference, kind: 'debit' }))).toEqual(done);
    expect(await call(order(walletId, { reference, clientId: randomUUID() }))).toEqual(done);
    expect(await call(order(walletId, { reference }))).toEqual(refused('reference-reused'));
    expect(await call(order(walletId, { reference, kind: 'debit' }))).toEqual(refused('reference-reused'));
    expect(await walletOf(walletId)).toMatchObject({ balance: '1000' });
  });

  test('sent for two wallets at the same time moves the money of one', async () => {
    const [mine = '', other = ''] = await makeWallets(databases, 2);
    const reference = randomUUID();
    const first = await openTransaction(databases.walletDb);
    await call(order(mine, { reference }), first.db);
    const second = call(order(other, { reference }));
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await second).toEqual(refused('reference-reused'));
    expect(await walletOf(other)).toEqual({ balance: '0', version: 1 });
  });
});

describe('two callers at the same time', () => {
  test('with one id make one transfer', async () => {
    const walletId = await makeWallet(databases);
    const sent = order(walletId, { reference: randomUUID() });
    const first = await openTransaction(databases.walletDb);
    await call(sent, first.db);
    const second = call(sent);
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await second).toEqual(repeated);
    expect(await walletOf(walletId)).toEqual({ balance: '1000', version: 2 });
    expect(await eventsOf(databases.wallet, walletId)).toHaveLength(2);
  });

  test('with one id for two wallets make one transfer', async () => {
    const [mine = '', other = ''] = await makeWallets(databases, 2);
    const sent = order(mine);
    const first = await openTransaction(databases.walletDb);
    await call(sent, first.db);
    const second = call({ ...sent, walletId: other });
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await second).toEqual(repeated);
    expect(await walletOf(other)).toEqual({ balance: '0', version: 1 });
  });

  test('of which the first timed out before its commit make one transfer', async () => {
    const walletId = await makeWallet(databases);
    const sent = order(walletId);
    const lock = await hold(databases.walletDb, 'select from wallets where id = $1 for update', [walletId]);
    await giveUp(databases.walletDb, (db, timeoutMs) => postTransfer(db, sent, timeoutMs));
    await untilWaiting(databases.wallet, 1);
    const second = call(sent);
    await untilWaiting(databases.wallet, 2);
    await lock.free();
    expect(await second).toEqual(repeated);
    expect(await walletOf(walletId)).toEqual({ balance: '1000', version: 2 });
  });

  test('cannot spend the same money twice', async () => {
    const walletId = await makeWallet(databases);
    await call(order(walletId));
    const first = await openTransaction(databases.walletDb);
    await call(order(walletId, { kind: 'debit' }), first.db);
    const second = call(order(walletId, { kind: 'debit' }));
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await second).toEqual(refused('insufficient-funds'));
    expect(await walletOf(walletId)).toMatchObject({ balance: '0' });
  });

  test('can spend it if the first one fails', async () => {
    const walletId = await makeWallet(databases);
    await call(order(walletId));
    const first = await openTransaction(databases.walletDb);
    await call(order(walletId, { kind: 'debit' }), first.db);
    const second = call(order(walletId, { kind: 'debit' }));
    await untilWaiting(databases.wallet);
    await first.rollback();
    expect(await second).toEqual(done);
    expect(await walletOf(walletId)).toMatchObject({ balance: '0' });
  });

  test('a redemption and an operator, both count', async () => {
    const walletId = await makeWallet(databases);
    const first = await openTransaction(databases.walletDb);
    await call(order(walletId), first.db);
    const redemption = { redemptionId: randomUUID(), walletId, amount: 500n, currency: 'USD' };
    const second = credit(databases.walletDb, [redemption], TIMEOUT_MS);
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await second).toMatchObject([{ balance_after: 1500n, wallet_version: 3n }]);
  });
});

test('hundreds of credits and debits at once, many of them repeats, add up and never deadlock', async () => {
  const own = await createDatabases();
  const walletIds = await makeWallets(own, 4);
  const orders = Array.from({ length: 120 }, (_, index) =>
    order(walletIds[index % 4] ?? '', {
      kind: index % 3 === 0 ? 'debit' : 'credit',
      amount: BigInt(1 + (index % 7)),
      reference: index % 5 === 0 ? `reference-${index % 20}` : null,
    }),
  );
  const answers = await Promise.all(
    [...orders, ...orders.toReversed(), ...orders].map((sent) => call(sent, own.walletDb)),
  );
  const made = answers.filter(({ refusal, replayed }) => refusal === null && !replayed).length;
  const { rows } = await own.wallet.query('select count(*)::int as transfers from transfers');
  expect(rows).toEqual([{ transfers: made }]);
  await assertCoherent(own);
  await own.walletDb.close();
  expect(await deadlocks(own.wallet)).toBe(0);
  await Promise.all([own.giftCodeDb.close(), own.giftCode.end(), own.wallet.end()]);
});

import { describe, expect, test } from 'vitest';
import { newId } from '../../platform/ids.ts';
import {
  at,
  createDatabases,
  deadlocks,
  dump,
  eventsOf,
  openTransaction,
  TIMEOUT_MS,
  untilWaiting,
} from '../../test/database.ts';
import { forFile, newPhone } from '../../test/harness.ts';
import { ensureWallets, type WalletKey } from './ensure-wallets.ts';

const databases = await forFile(createDatabases());

const call = (keys: WalletKey[], db = databases.walletDb) => ensureWallets(db, keys, TIMEOUT_MS);
const usd = (phone: string): WalletKey => ({ phone, currency: 'USD' });
async function walletsOf(phone: string) {
  const { rows } = await databases.wallet.query(
    'select id, currency, balance, version, state from wallets where phone = $1 order by currency',
    [phone],
  );
  return rows;
}

test('a phone gets its wallet once, empty and active, and it is announced without the phone', async () => {
  const phone = newPhone();
  const [wallet] = await call([usd(phone)]);
  expect(wallet).toMatchObject({ created: true });
  const id = wallet?.id ?? '';
  expect(await walletsOf(phone)).toEqual([{ id, currency: 'USD', balance: '0', version: '1', state: 'active' }]);
  const before = await dump(databases.wallet);
  expect(await call([usd(phone)])).toEqual([{ id, created: false }]);
  expect(await dump(databases.wallet)).toEqual(before);
  const { rows } = await databases.wallet.query(
    'select type, aggregate_version, data from outbox where aggregate_id = $1',
    [id],
  );
  expect(rows).toEqual([{ type: 'wallet.created', aggregate_version: '1', data: { wallet_id: id, currency: 'USD' } }]);
});

test('the id offered for a new wallet is its id, and only who made it is told so', async () => {
  const key = { ...usd(newPhone()), id: newId() };
  expect(await call([key])).toEqual([{ id: key.id, created: true }]);
  expect(await call([key])).toEqual([{ id: key.id, created: false }]);
});

test('a phone has a wallet for each currency, with the accounts that are the other side of its movements', async () => {
  const phone = newPhone();
  await call([
    { phone, currency: 'JPY' },
    { phone, currency: 'KWD' },
  ]);
  expect((await walletsOf(phone)).map(({ currency }) => currency)).toEqual(['JPY', 'KWD']);
  const { rows } = await databases.wallet.query(
    `select name, currency from system_accounts where currency in ('JPY', 'KWD') order by 2, 1`,
  );
  expect(rows).toEqual([
    { name: 'issuance', currency: 'JPY' },
    { name: 'operator', currency: 'JPY' },
    { name: 'issuance', currency: 'KWD' },
    { name: 'operator', currency: 'KWD' },
  ]);
});

test('a batch is answered in its order, with a phone that is there twice, old and new ones', async () => {
  const [old, first, second] = [newPhone(), newPhone(), newPhone()];
  const [known] = await call([usd(old)]);
  const ids = Array.from({ length: 4 }, newId).toReversed();
  const keys = [second, old, first, second].map((phone, index) => ({ ...usd(phone), id: ids[index] ?? '' }));
  const answers = await call(keys);
  expect(answers).toHaveLength(4);
  expect(answers[1]).toEqual({ id: known?.id, created: false });
  expect(answers[3]?.id).toBe(answers[0]?.id);
  expect(await walletsOf(first)).toMatchObject([{ id: answers[2]?.id }]);
  expect(await walletsOf(second)).toMatchObject([{ id: answers[0]?.id }]);
  expect(await eventsOf(databases.wallet, at(answers, 0).id)).toHaveLength(1);
});

test('nobody is answered with nothing', async () => {
  expect(await call([])).toEqual([]);
});

describe('two gateways that see a new phone at the same time', () => {
  test('get one wallet', async () => {
    const phone = newPhone();
    const first = await openTransaction(databases.walletDb);
    const [mine] = await call([usd(phone)], first.db);
    const second = call([usd(phone)]);
    await untilWaiting(databases.wallet);
    await first.commit();
    expect(await second).toEqual([{ id: mine?.id, created: false }]);
    expect(await walletsOf(phone)).toHaveLength(1);
    expect(await eventsOf(databases.wallet, mine?.id ?? '')).toHaveLength(1);
  });

  test('of which the first fails: the other makes it', async () => {
    const phone = newPhone();
    const first = await openTransaction(databases.walletDb);
    await call([usd(phone)], first.db);
    const second = call([usd(phone)]);
    await untilWaiting(databases.wallet);
    await first.rollback();
    expect(await second).toMatchObject([{ created: true }]);
    expect(await walletsOf(phone)).toHaveLength(1);
  });

  test('take them in one order: who waits for one phone holds none of those after it', async () => {
    const [first = '', later = ''] = [newPhone(), newPhone()].toSorted();
    const open = await openTransaction(databases.walletDb);
    await call([usd(first)], open.db);
    const waiting = call([usd(later), usd(first)]);
    await untilWaiting(databases.wallet);
    const [free] = await call([usd(later)]);
    await open.commit();
    expect((await waiting)[0]).toEqual({ id: free?.id, created: false });
  });

  test('in lists of any order do not deadlock', async () => {
    const own = await createDatabases();
    const keys = Array.from({ length: 2_000 }, () => usd(newPhone()));
    const lists = [0, 500, 1_000, 1_500].map((from) => [...keys.slice(from), ...keys.slice(0, from)]);
    const answers = await Promise.all(
      lists.map((list, index) => call(index % 2 === 0 ? list : list.toReversed(), own.walletDb)),
    );
    expect(new Set(answers.flat().map(({ id }) => id)).size).toBe(keys.length);
    const { rows } = await own.wallet.query(
      `select (select count(*)::int from wallets) as wallets, (select count(*)::int from outbox) as events`,
    );
    expect(rows).toEqual([{ wallets: keys.length, events: keys.length }]);
    // The sessions' counts arrive when they end.
    await own.walletDb.close();
    expect(await deadlocks(own.wallet)).toBe(0);
    await Promise.all([own.giftCodeDb.close(), own.giftCode.end(), own.wallet.end()]);
  });
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../cli/testing.ts';
import { ADMIN_KEY, createWorld, forFile, newPhone, startIn } from './harness.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));

const vouchsafe = (...argv: string[]) => runCli(argv, { url: service.url, key: ADMIN_KEY });
const json = async (...argv: string[]) => {
  const { exitCode, stdout, stderr } = await vouchsafe(...argv, '--json');
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
};

test('the command line does with the real API what its help says', async () => {
  const file = join(world.home, 'codes.csv');
  const group = await json(
    'groups',
    'create',
    '--name',
    'Eid',
    '--amount',
    '10.00',
    '--count',
    '3',
    '--prefix',
    'EID',
    '--out',
    file,
  );
  expect(group).toMatchObject({ name: 'Eid', amount: { value: 1000, currency: 'USD' } });
  const saved = (await readFile(file, 'utf8')).trimEnd().split('\n');
  expect(saved).toHaveLength(4);
  const [{ code }] = group.codes;
  const phone = newPhone();

  const redemption = await json('redeem', code, phone, '--reference', 'order-1');
  expect(redemption).toMatchObject({ state: 'completed', reference: 'order-1', wallet: { phone } });
  const refused = await vouchsafe('redeem', code, newPhone());
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^vouchsafe: .*code-already-redeemed.*\n$/);

  expect((await vouchsafe('groups', 'list')).stdout).toContain('Eid');
  expect((await vouchsafe('groups', 'show', group.id)).stdout).toContain(group.id);
  expect(await json('groups', 'stats', group.id)).toMatchObject({
    codes: { total: 3, used: 1, unused: 2 },
    redeemers: 1,
  });
  expect((await json('groups', 'codes', group.id)).items).toHaveLength(3);
  expect(await json('codes', 'show', code)).toMatchObject({
    state: 'used',
    redemptions: [{ id: redemption.id, phone }],
  });

  expect(await json('wallets', 'show', phone)).toMatchObject({ balance: { value: 1000 } });
  expect(await json('wallets', 'credit', phone, '0.50')).toMatchObject({
    kind: 'credit',
    balance_after: { value: 1050 },
  });
  expect(await json('wallets', 'debit', phone, '10.50')).toMatchObject({ kind: 'debit', balance_after: { value: 0 } });
  expect((await vouchsafe('wallets', 'debit', phone, '0.01')).stderr).toContain('insufficient-funds');
  expect((await json('wallets', 'transactions', phone)).items.map((item: { kind: string }) => item.kind)).toEqual([
    'debit',
    'credit',
    'redemption',
  ]);
  expect((await vouchsafe('wallets', 'create', phone)).stderr).toContain('wallet-exists');
  expect((await json('wallets', 'list')).items).toHaveLength(1);

  expect((await json('redemptions', 'list')).items).toMatchObject([{ id: redemption.id }]);
  expect((await vouchsafe('redemptions', 'show', redemption.id)).stdout).toContain(redemption.trace_url);
  expect((await vouchsafe('redemptions', 'abort', redemption.id, '--reason', 'late', '--yes')).exitCode).toBe(1);
});

test('operators switch, freeze and take back', async () => {
  const group = await json('groups', 'create', '--name', 'Ops', '--amount', '1.00', '--count', '1');
  const [{ id, code }] = group.codes;
  const phone = newPhone();
  const refused = async (reason: string) => expect((await vouchsafe('redeem', code, phone)).stderr).toContain(reason);
  expect(await json('groups', 'disable', group.id)).toMatchObject({ disabled: true });
  await refused('group-disabled');
  await json('groups', 'enable', group.id);
  expect(await json('codes', 'disable', id)).toMatchObject({ state: 'disabled' });
  await refused('code-disabled');
  await json('codes', 'enable', id);
  await json('wallets', 'create', phone);
  expect(await json('wallets', 'freeze', phone)).toMatchObject({ state: 'frozen' });
  await refused('wallet-frozen');
  await json('wallets', 'unfreeze', phone);
  expect(await json('check', code, phone)).toEqual({ redeemable: true, amount: { value: 100, currency: 'USD' } });
  const redemption = await json('redeem', code, phone);
  expect((await vouchsafe('check', code)).stdout).toContain('code-already-redeemed');
  const file = join(world.home, 'export.csv');
  expect((await vouchsafe('groups', 'export', group.id, '--out', file)).exitCode).toBe(0);
  expect(await readFile(file, 'utf8')).toContain(`,${code},used,1,1,`);
  expect((await vouchsafe('groups', 'export', group.id, '--out', file)).exitCode).toBe(2);
  expect((await vouchsafe('groups', 'redeemers', group.id)).stdout).toContain(phone);
  expect((await vouchsafe('groups', 'codes', group.id)).stdout).toMatch(/\tused\t1\t1\t\+/);
  expect(await json('redemptions', 'retry', redemption.id)).toMatchObject({ state: 'completed' });
  expect((await json('redemptions', 'stuck')).items).toEqual([]);
  const reversed = await json('redemptions', 'reverse', redemption.id, '--reason', 'refund', '--yes');
  expect(reversed).toMatchObject({ state: 'reversed', reason: 'reversed: refund' });
  expect(await json('codes', 'show', code)).toMatchObject({ state: 'unused' });
});

test('exit codes tell scripts what went wrong', async () => {
  const exitCode = async (argv: string[], settings = { url: service.url, key: ADMIN_KEY }) =>
    (await runCli(argv, settings)).exitCode;
  expect(await exitCode(['wallets', 'create', newPhone()])).toBe(0);
  expect(await exitCode(['redeem', 'WRONG'])).toBe(2);
  expect(await exitCode(['wallets', 'list'], { url: service.url, key: 'another-key-0123456789' })).toBe(3);
  expect(await exitCode(['wallets', 'show', newPhone()])).toBe(4);
  expect(await exitCode(['wallets', 'list'], { url: 'http://127.0.0.1:1', key: ADMIN_KEY })).toBe(5);
});

import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCli } from '../cli/testing.ts';
import { reversalWorkflowId, sweepId } from '../workflows/contracts.ts';
import { breakDatabase, lockRows, nobodyWaits, someoneWaits } from './faults.ts';
import {
  ADMIN_KEY,
  createWorld,
  makeCodes,
  makeCoupon,
  newPhone,
  startIn,
  type TestService,
  type TestWorld,
  until,
} from './harness.ts';

let world: TestWorld;
let service: TestService;

beforeEach(async () => {
  world = await createWorld();
  service = await startIn(world);
  await pauseSweeper();
});
afterEach(async () => {
  await service?.close();
  await world?.close();
});

const reconcile = async () =>
  (await service.call('POST', '/v1/reconciliations', undefined, { Prefer: 'wait=30' })).body;
const redeem = async (code: string, phone = newPhone()) =>
  (await service.call('POST', '/v1/redemptions', { code, phone })).body;

/** Rows that are aged or tampered with here must not be counted or picked up by the sweeper in between. */
async function pauseSweeper(): Promise<void> {
  const schedule = world.temporal.schedule.getHandle(sweepId(world.taskQueue));
  await schedule.pause();
  await until(async () => {
    const { state, info } = await schedule.describe();
    return state.paused && info.runningActions.length === 0;
  });
}

/** Changes rows as no code of ours does, triggers aside. */
async function tamper(part: 'giftCodeDatabase' | 'walletDatabase', text: string): Promise<void> {
  const database = new URL(world.urls[part]).pathname;
  const client = new pg.Client({
    connectionString: Object.assign(new URL(world.postgresUrl), { pathname: database }).href,
  });
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    expect((await client.query(text)).rowCount).toBeGreaterThan(0);
  } finally {
    await client.end();
  }
}

/** Old enough that none of it can be under way. */
async function age(): Promise<void> {
  await tamper('giftCodeDatabase', `update redemptions set created_at = created_at - interval '1 hour'`);
  await tamper('walletDatabase', `update transfers set created_at = created_at - interval '1 hour'`);
}

/** Everything that moves money or counters. */
async function liveALittle(): Promise<void> {
  const codes = await makeCodes(service, 5, { per_wallet_limit: 2, budget: { value: 50_000, currency: 'USD' } });
  const coupon = await makeCoupon(service, 3);
  const phone = newPhone();
  for (const code of codes.slice(0, 2)) expect((await redeem(code, phone)).state).toBe('completed');
  expect((await redeem(codes[2] ?? '', phone)).code).toBe('per-wallet-limit');
  for (let use = 0; use < 3; use++) await redeem(coupon);
  expect((await redeem(coupon)).code).toBe('code-exhausted');
  const { id } = await redeem(codes[3] ?? '');
  const reversed = await service.call('POST', `/v1/redemptions/${id}/reverse`, { reason: 'refund', code: 'free' });
  expect([200, 202]).toContain(reversed.status);
  const frozen = newPhone();
  await service.call('POST', '/v1/wallets', { phone: frozen });
  await service.call('PATCH', `/v1/wallets/${encodeURIComponent(frozen)}`, { state: 'frozen' });
  expect((await redeem(codes[4] ?? '', frozen)).code).toBe('wallet-frozen');
  await service.call('POST', `/v1/wallets/${encodeURIComponent(phone)}/debits`, {
    amount: { value: 300, currency: 'USD' },
  });
  await until(async () => (await service.call('GET', `/v1/redemptions/${id}`)).body.state === 'reversed');
}

test('the books of a life balance, and the answer says what was checked', async () => {
  await liveALittle();
  await age();
  expect(await reconcile()).toMatchObject({
    state: 'balanced',
    checked: { codes: 6, wallets: 6, transfers: 9 },
    in_flight: 0,
    totals: [{ redeemed: { value: 5_000, currency: 'USD' }, credited: { value: 5_000, currency: 'USD' } }],
    fault_count: 0,
    faults: [],
  });
  const { body } = await service.call('GET', '/v1/reconciliations');
  expect(body.items).toEqual([expect.objectContaining({ state: 'balanced', error: null })]);
  const { exitCode, stdout } = await runCli(['reconcile'], { url: service.url, key: ADMIN_KEY });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('balanced') });
});

test('a repeat under its key is the same proof, and who joins one waits for its end as well', async () => {
  const [one, other] = await Promise.all([reconcile(), reconcile()]);
  expect([one.state, other.state]).toEqual(['balanced', 'balanced']);
  const headers = { Prefer: 'wait=30', 'Idempotency-Key': 'nightly' };
  const first = await service.call('POST', '/v1/reconciliations', undefined, headers);
  const second = await service.call('POST', '/v1/reconciliations', undefined, headers);
  expect(first.headers.get('Idempotent-Replayed')).toBeNull();
  expect(second.headers.get('Idempotent-Replayed')).toBe('true');
  expect(second.body).toEqual(first.body);
  expect((await reconcile()).id).not.toBe(first.body.id);
});

test.each([
  ['giftCodeDatabase', 'update codes set redeemed = 0 where redeemed = 1 and max_redemptions = 1', 'a code counts'],
  ['giftCodeDatabase', 'update wallet_uses set uses = uses + 1', 'a wallet counts its uses'],
  [
    'giftCodeDatabase',
    'update code_groups set budget_used = budget_used + 1 where budget is not null',
    'a group counts',
  ],
  ['walletDatabase', 'update wallets set balance = balance + 1 where balance > 0', 'a balance is the sum'],
  ['walletDatabase', 'update transfers set balance_after = balance_after + 1', 'each transfer leaves'],
  ['walletDatabase', `update transfers set currency = 'EUR' where kind = 'debit'`, 'money comes from'],
  ['walletDatabase', `delete from transfers where kind = 'redemption'`, 'a completed redemption has its credit'],
  ['walletDatabase', `update transfers set amount = amount + 1 where kind = 'redemption'`, 'of one wallet and amount'],
  ['giftCodeDatabase', `delete from redemptions where state = 'completed'`, 'a credit has its redemption'],
  [
    'giftCodeDatabase',
    `update redemptions set state = 'released', reason = 'x', use_number = null where state = 'completed'`,
    'a credit has its redemption',
  ],
  ['walletDatabase', `delete from transfers where kind = 'reversal'`, 'a reversed redemption has its debit'],
  [
    'walletDatabase',
    `update transfers set amount = amount + 1 where kind = 'reversal'`,
    'its reversal are of one wallet',
  ],
  [
    'giftCodeDatabase',
    `update redemptions set state = 'completed', reason = null, use_number = 1 where state = 'reversed'`,
    'a reversal has its reversed redemption',
  ],
] as const)('books that were tampered with do not balance: %s, %s', async (part, text, rule) => {
  await liveALittle();
  await age();
  await tamper(part, text);
  const { state, fault_count, faults } = await reconcile();
  expect(state).toBe('unbalanced');
  expect(fault_count).toBe(faults.length);
  expect(faults.map((fault: { rule: string }) => fault.rule)).toContainEqual(expect.stringContaining(rule));
  const { exitCode, stderr } = await runCli(['reconcile'], { url: service.url, key: ADMIN_KEY });
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'vouchsafe: the books do not balance\n' });
});

test('of much that is wrong all is counted, and the first of it told', async () => {
  const id = "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid";
  await tamper(
    'walletDatabase',
    `insert into wallets (id, phone, currency, balance) select ${id}, '+9891' || lpad(n::text, 8, '0'), 'USD', 1
     from generate_series(1, 150) n`,
  );
  const { fault_count, faults } = await reconcile();
  const rule = 'a balance is the sum of its transfers';
  const told = faults.filter((fault: { rule: string }) => fault.rule === rule);
  expect([fault_count >= 150, told.length]).toEqual([true, 100]);
  await tamper('walletDatabase', "delete from wallets where phone like '+98910000%'");
});

test('a redemption that is stuck between the parts is in flight, and no fault', async () => {
  await service.close();
  service = await startIn(world, {
    VOUCHSAFE_STEP_TIMEOUT_MS: '2000',
    VOUCHSAFE_STEP_ATTEMPTS: '1',
    VOUCHSAFE_RETRY_MAX_MS: '200',
  });
  const [first = '', second = ''] = await makeCodes(service, 2);
  const phone = newPhone();
  expect((await redeem(first, phone)).state).toBe('completed');
  const heal = await breakDatabase(world, 'wallet');
  const stuck = await service.call('POST', '/v1/redemptions', { code: second, phone }, { Prefer: 'wait=0' });
  expect(stuck.status).toBe(202);
  await until(async () => (await service.call('GET', `/v1/redemptions/${stuck.body.id}`)).body.state === 'reserved');
  const failed = await reconcile();
  expect(failed).toMatchObject({ state: 'failed', error: expect.stringContaining('cannot be reached') });
  await heal();
  await until(async () => (await service.call('GET', `/v1/redemptions/${stuck.body.id}`)).body.state === 'completed');
  await age();
  await tamper(
    'giftCodeDatabase',
    `update redemptions set state = 'reserved', use_number = null, settled_at = null where id = '${stuck.body.id}'`,
  );
  await tamper(
    'giftCodeDatabase',
    "update codes set reserved = 1, redeemed = 0 where id in (select code_id from redemptions where state = 'reserved')",
  );
  expect(await reconcile()).toMatchObject({ state: 'balanced', in_flight: 1, fault_count: 0 });
});

test('a reversal cut off after its debit is under way until it is picked up; without its note it is a fault', async () => {
  const [code = ''] = await makeCodes(service, 1);
  const { id, code: used } = await redeem(code);
  const reverse = (wait: number) =>
    service.call('POST', `/v1/redemptions/${id}/reverse`, { reason: 'r', code: 'free' }, { Prefer: `wait=${wait}` });
  const letGo = await lockRows(world.urls.giftCodeDatabase, 'codes', used.id);
  expect((await reverse(0)).status).toBe(202);
  await someoneWaits(world.giftCode, 'reverse_redemption');
  await age();
  await world.temporal.workflow.getHandle(reversalWorkflowId(id)).terminate();
  await nobodyWaits(world.giftCode, 'reverse_redemption');
  await letGo();
  expect(await reconcile()).toMatchObject({ state: 'balanced', fault_count: 0 });
  await tamper('giftCodeDatabase', 'delete from reversals');
  expect((await reconcile()).faults).toEqual([
    { rule: 'a reversal has its reversed redemption', id, detail: expect.stringContaining('reverse it once more') },
  ]);
  expect((await reverse(20)).body.state).toBe('reversed');
  expect(await reconcile()).toMatchObject({ state: 'balanced', fault_count: 0 });
});

test('a reversal cut off after its debit is finished when it is told to try again', async () => {
  const [code = ''] = await makeCodes(service, 1);
  const { id, code: used } = await redeem(code);
  const letGo = await lockRows(world.urls.giftCodeDatabase, 'codes', used.id);
  await service.call('POST', `/v1/redemptions/${id}/reverse`, { reason: 'r', code: 'void' }, { Prefer: 'wait=0' });
  await someoneWaits(world.giftCode, 'reverse_redemption');
  await world.temporal.workflow.getHandle(reversalWorkflowId(id)).terminate();
  await nobodyWaits(world.giftCode, 'reverse_redemption');
  await letGo();
  expect((await service.call('POST', `/v1/redemptions/${id}/retry`, {})).status).toBe(200);
  await until(async () => (await service.call('GET', `/v1/redemptions/${id}`)).body.state === 'reversed');
  expect((await redeem(code)).code).toBe('code-already-redeemed');
  expect((await service.call('POST', `/v1/redemptions/${id}/retry`, {})).body.state).toBe('reversed');
  expect(await reconcile()).toMatchObject({ state: 'balanced', fault_count: 0 });
});

test('one proof runs at a time: who asks meanwhile joins it; one whose process ended is given up', async () => {
  await world.gateway.query(`insert into reconciliations (id, state) values (gen_random_uuid(), 'running')`);
  const joined = await service.call('POST', '/v1/reconciliations');
  expect(joined.status).toBe(202);
  expect(joined.body.state).toBe('running');
  await world.gateway.query(`update reconciliations set alive_at = now() - interval '2 minutes'`);
  expect((await service.call('GET', `/v1/reconciliations/${joined.body.id}`)).body).toMatchObject({
    state: 'failed',
    error: 'its process ended',
  });
  expect((await reconcile()).state).toBe('balanced');
});

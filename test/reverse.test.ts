import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { reversalWorkflowId } from '../workflows/contracts.ts';
import { hold } from './database.ts';
import { lockRows, nobodyWaits, someoneWaits } from './faults.ts';
import { assertCoherent, createWorld, forFile, makeCodes, makeCoupon, newPhone, startIn, until } from './harness.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));
afterEach(() => assertCoherent(world));

const redeem = (code: string | undefined, phone: string) => service.call('POST', '/v1/redemptions', { code, phone });
const reverse = (id: string, code: 'free' | 'void', reason = 'refunded') =>
  service.call('POST', `/v1/redemptions/${id}/reverse`, { reason, code });
/** Credits or debits a phone's wallet by one minor unit. */
const moveOne = (phone: string, kind: 'credits' | 'debits') =>
  service.call('POST', `/v1/wallets/${phone}/${kind}`, { amount: { value: 1, currency: 'USD' } });
const balanceOf = async (phone: string) => (await service.call('GET', `/v1/wallets/${phone}`)).body.balance.value;

test('a reversed redemption is debited once, and its code can be redeemed again', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const { body } = await redeem(code, phone);
  const answers = await Promise.all(Array.from({ length: 10 }, () => reverse(body.id, 'free')));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(answers.some(({ headers }) => headers.get('Idempotent-Replayed') === null)).toBe(true);
  expect((await reverse(body.id, 'free')).headers.get('Idempotent-Replayed')).toBe('true');
  expect(answers[0]?.body).toMatchObject({ id: body.id, state: 'reversed', reason: 'reversed: refunded' });
  expect(await balanceOf(phone)).toBe(0);
  const { items } = (await service.call('GET', `/v1/wallets/${phone}/transactions`)).body;
  expect(items.map((item: { kind: string; direction: string }) => [item.kind, item.direction])).toEqual([
    ['reversal', 'debit'],
    ['redemption', 'credit'],
  ]);
  expect(items.map((item: { redemption_id: string }) => item.redemption_id)).toEqual([body.id, body.id]);
  // Its own saga is still what it leads to; the timeline has the reversal's as well.
  expect(answers[0]?.body.workflow_id).toBe(body.workflow_id);
  expect((await redeem(code, newPhone())).status).toBe(201);
});

test('who asks again, as often before, is told of the reversal', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const key = { 'Idempotency-Key': randomUUID() };
  const repeat = () => service.call('POST', '/v1/redemptions', { code, phone }, key);
  const { body } = await repeat();
  expect((await repeat()).body).toEqual(body);
  expect((await service.call('GET', `/v1/redemptions/${body.id}`)).body).toEqual(body);
  await reverse(body.id, 'free');
  const { wallet, transaction_id } = body;
  const reversed = { state: 'reversed', reason: 'reversed: refunded', wallet, transaction_id };
  expect((await service.call('GET', `/v1/redemptions/${body.id}`)).body).toMatchObject(reversed);
  expect((await repeat()).body).toMatchObject(reversed);
});

test('what a crowd was told of an exhausted coupon keeps nobody for long from a use that is given back', async () => {
  const coupon = await makeCoupon(service, 2);
  const { body } = await redeem(coupon, newPhone());
  await redeem(coupon, newPhone());
  const crowd = () => Promise.all(Array.from({ length: 60 }, () => redeem(coupon, newPhone())));
  const refused = [...(await crowd()), ...(await crowd())];
  expect(new Set(refused.map((answer) => answer.body.code))).toEqual(new Set(['code-exhausted']));
  await reverse(body.id, 'free');
  const phone = newPhone();
  await until(async () => (await redeem(coupon, phone)).status === 201);
  expect((await redeem(coupon, newPhone())).body.code).toBe('code-exhausted');
});

test('a key stands for one reversal: with other content it is refused, before it is over and after', async () => {
  const codes = await makeCodes(service, 2);
  const [one, other] = await Promise.all(codes.map(async (code) => (await redeem(code, newPhone())).body));
  const key = { 'Idempotency-Key': randomUUID(), Prefer: 'wait=20' };
  const under = (id: string, body: object, headers: Record<string, string> = key) =>
    service.call('POST', `/v1/redemptions/${id}/reverse`, { reason: 'refunded', code: 'free', ...body }, headers);
  const unlock = await lockRows(world.urls.giftCodeDatabase, 'codes', one.code.id);
  expect((await under(one.id, {}, { ...key, Prefer: 'wait=0' })).status).toBe(202);
  const areRefused = async () => {
    expect((await under(one.id, { code: 'void' })).body).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    expect((await under(one.id, { reason: 'another' })).body.code).toBe('idempotency-key-reused');
    expect((await under(other.id, {})).body.code).toBe('idempotency-key-reused');
  };
  await areRefused();
  const atRest = service.call('GET', `/v1/redemptions/${one.id}`, undefined, { Prefer: 'wait=30' });
  await unlock();
  expect((await atRest).body.state).toBe('reversed');
  const again = await under(one.id, {});
  expect(again).toMatchObject({ status: 200, body: { state: 'reversed' } });
  expect(again.headers.get('Idempotent-Replayed')).toBe('true');
  await areRefused();
  expect((await service.call('GET', `/v1/redemptions/${other.id}`)).body.state).toBe('completed');
});

test('of two redemptions that are reversed under one key at once one is', async () => {
  const codes = await makeCodes(service, 2);
  const both = await Promise.all(codes.map(async (code) => (await redeem(code, newPhone())).body.id as string));
  const headers = { 'Idempotency-Key': randomUUID(), Prefer: 'wait=20' };
  const answers = await Promise.all(
    both.map((id) => service.call('POST', `/v1/redemptions/${id}/reverse`, { reason: 'r', code: 'free' }, headers)),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
});

test('a reversal that voids the code leaves it spent', async () => {
  const [code] = await makeCodes(service, 1);
  const { body } = await redeem(code, newPhone());
  expect((await reverse(body.id, 'void')).body.state).toBe('reversed');
  expect((await redeem(code, newPhone())).body.code).toBe('code-already-redeemed');
});

test('of two that reverse at once and want different things of the code, one is told that it was done otherwise', async () => {
  for (let round = 0; round < 5; round++) {
    const [code] = await makeCodes(service, 1);
    const { body } = await redeem(code, newPhone());
    const answers = await Promise.all([reverse(body.id, 'free', 'mine'), reverse(body.id, 'void', 'yours')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const isFreed = answers[0]?.status === 200;
    expect((await redeem(code, newPhone())).status).toBe(isFreed ? 201 : 409);
    expect((await reverse(body.id, isFreed ? 'free' : 'void')).status).toBe(200);
    expect((await reverse(body.id, isFreed ? 'void' : 'free')).body.code).toBe('conflict');
    const { rows } = await world.gateway.query(
      `select after ->> 'code' as code from audit_log where action = 'redemption.reverse' and resource_id = $1`,
      [body.id],
    );
    expect(rows).toEqual([{ code: isFreed ? 'free' : 'void' }]);
  }
});

test('a code shows when a redemption was completed that is reversed since', async () => {
  const [code] = await makeCodes(service, 1);
  const { body } = await redeem(code, newPhone());
  await reverse(body.id, 'free');
  const { redemptions } = (await service.call('GET', `/v1/codes/${body.code.id}`)).body;
  expect(redemptions).toMatchObject([{ state: 'reversed', completed_at: body.completed_at }]);
});

test('limits and budget are given back', async () => {
  const coupon = await makeCoupon(service, 5, { per_wallet_limit: 1, budget: { value: 1000, currency: 'USD' } });
  const phone = newPhone();
  const { body } = await redeem(coupon, phone);
  expect((await redeem(coupon, newPhone())).body.code).toBe('budget-exhausted');
  await reverse(body.id, 'free');
  expect((await redeem(coupon, phone)).status).toBe(201);
});

test('where the money is spent, nothing changes', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const { body } = await redeem(code, phone);
  await moveOne(phone, 'debits');
  expect((await reverse(body.id, 'free')).body).toMatchObject({ status: 409, code: 'insufficient-funds' });
  expect((await service.call('GET', `/v1/redemptions/${body.id}`)).body.state).toBe('completed');
  expect((await world.giftCode.query('select from reversals where ended_at is null')).rowCount).toBe(0);
  await moveOne(phone, 'credits');
  expect((await reverse(body.id, 'free')).body.state).toBe('reversed');
});

test('one that was refused is not done by a workflow that starts late', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const { body } = await redeem(code, phone);
  await moveOne(phone, 'debits');
  expect((await reverse(body.id, 'free')).body.code).toBe('insufficient-funds');
  await moveOne(phone, 'credits');
  const workflow = world.temporal.workflow.getHandle(reversalWorkflowId(body.id));
  const { events } = await workflow.fetchHistory();
  const payloads = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  const late = await world.temporal.workflow.start('reverse', {
    workflowId: reversalWorkflowId(body.id),
    taskQueue: world.taskQueue,
    args: payloads.map(({ data }) => JSON.parse(Buffer.from(data ?? []).toString())),
  });
  expect(await late.result()).toBe('given-up');
  expect(await balanceOf(phone)).toBe(1000);
  const { items } = (await service.call('GET', `/v1/redemptions/${body.id}/timeline`)).body;
  expect(items.map(({ what }: { what: string }) => what)).toContain('reverse refused (given-up)');
  expect((await reverse(body.id, 'free')).body.state).toBe('reversed');
});

test('who asks when the wallet has refused, and has enough since, is not told of that refusal', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const { body } = await redeem(code, phone);
  await moveOne(phone, 'debits');
  const { id: walletId } = (await service.call('GET', `/v1/wallets/${phone}`)).body;
  const letDebit = await lockRows(world.urls.walletDatabase, 'wallets', walletId);
  const asked = (wait: number) =>
    service.call(
      'POST',
      `/v1/redemptions/${body.id}/reverse`,
      { reason: 'refunded', code: 'free' },
      { Prefer: `wait=${wait}` },
    );
  const first = asked(20);
  await someoneWaits(world.wallet, 'reverse_credit');
  // The refusal is not given up before this is free.
  const redemption = await hold(
    { url: world.urls.giftCodeDatabase },
    `select from redemptions where id = '${body.id}' for update`,
  );
  await letDebit();
  await someoneWaits(world.giftCode, 'give_up_reversal');
  await moveOne(phone, 'credits');
  const second = asked(20);
  await someoneWaits(world.giftCode, 'begin_reversal');
  await redemption.free();
  expect(await second).toMatchObject({ status: 200, body: { state: 'reversed' } });
  expect([200, 409]).toContain((await first).status);
  expect(await balanceOf(phone)).toBe(0);
  const { rows } = await world.gateway.query(
    `select from audit_log where action = 'redemption.reverse' and resource_id = $1`,
    [body.id],
  );
  expect(rows).toHaveLength(1);
});

test('a reversal whose debit was made goes on when it is cancelled, and can be told to try again', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const { body } = await redeem(code, phone);
  const unlock = await lockRows(world.urls.giftCodeDatabase, 'codes', body.code.id);
  const path = `/v1/redemptions/${body.id}`;
  const reversal = { reason: 'refunded', code: 'free' };
  const { body: clerk } = await service.call('POST', '/v1/api-keys', { name: 'clerk', scopes: ['redemptions:read'] });
  const byClerk = { Authorization: `Bearer ${clerk.key}` };
  const listed = async (headers = {}, query = 'stuck=true') => {
    const { items } = (await service.call('GET', `/v1/redemptions?${query}`, undefined, headers)).body;
    return items.map(({ id }: { id: string }) => id);
  };
  expect((await service.call('POST', `${path}/reverse`, reversal, { Prefer: 'wait=0' })).status).toBe(202);
  // Until its first attempt is over, and no other has begun: one that runs would do its work whatever becomes of the workflow.
  await someoneWaits(world.giftCode, 'reverse_redemption');
  await nobodyWaits(world.giftCode, 'reverse_redemption');
  await world.temporal.workflow.getHandle(reversalWorkflowId(body.id)).cancel();
  expect(await balanceOf(phone)).toBe(0);
  const waiting = await until(async () => {
    const { body } = await service.call('GET', path);
    return body.stuck?.last_error && body;
  });
  expect(waiting).toMatchObject({ state: 'completed', stuck: { step: 'reverse-redemption' } });
  expect((await service.call('GET', path, undefined, byClerk)).body).not.toHaveProperty('stuck');
  await until(async () => (await listed()).includes(body.id));
  expect(await listed(byClerk)).toEqual([body.id]);
  // Temporal is asked for a second.
  const items = await until(async () => {
    const { items } = (await service.call('GET', '/v1/redemptions?stuck=true')).body;
    return items[0]?.stuck && items;
  });
  expect(items).toEqual([expect.objectContaining({ stuck: expect.objectContaining({ step: 'reverse-redemption' }) })]);
  const ofPhone = `phone=${encodeURIComponent(phone)}`;
  expect(await listed({}, ofPhone)).toEqual([body.id]);
  expect(await listed({}, `${ofPhone}&stuck=false`)).toEqual([]);
  const retryAll = async (step: string) => (await service.call('POST', '/v1/redemptions/retry', { step })).body.retried;
  expect(await retryAll('reverse-redemption')).toBe(1);
  expect(await retryAll('reverse-credit')).toBe(0);
  expect(await service.call('POST', `${path}/retry`, undefined, { Prefer: 'wait=1' })).toMatchObject({
    status: 202,
    body: { state: 'completed' },
  });
  const audited = await service.call('GET', `/v1/audit-log?action=redemption.retry&resource=${body.id}`);
  expect(audited.body.items).toHaveLength(1);
  await unlock();
  await until(async () => (await service.call('GET', path)).body.state === 'reversed');
  expect((await service.call('GET', path)).body).not.toHaveProperty('stuck');
  await until(async () => (await listed()).length === 0);
  expect(await listed({}, `${ofPhone}&stuck=false`)).toEqual([body.id]);
});

test('what is not completed cannot be reversed', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  await service.call('POST', '/v1/wallets', { phone });
  await service.call('PATCH', `/v1/wallets/${phone}`, { state: 'frozen' });
  const { body } = await redeem(code, phone);
  expect((await reverse(body.redemption_id, 'free')).body).toMatchObject({
    status: 409,
    code: 'conflict',
    state: 'released',
  });
  expect((await reverse(randomUUID(), 'free')).status).toBe(404);
});

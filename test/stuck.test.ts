import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { reversalWorkflowId } from '../workflows/contracts.ts';
import { eventsOf } from './database.ts';
import { breakDatabase, lockRows, lockTable, nobodyWaits, someoneWaits } from './faults.ts';
import { assertCoherent, createWorld, forFile, makeCodes, newPhone, startIn, until } from './harness.ts';

const SETTINGS = {
  VOUCHSAFE_STEP_TIMEOUT_MS: '1000',
  VOUCHSAFE_STEP_ATTEMPTS: '2',
  VOUCHSAFE_RETRY_MAX_MS: '500',
  VOUCHSAFE_SWEEP_AFTER_MS: '1000',
  VOUCHSAFE_SWEEP_EVERY_MS: '1000',
};
const world = await forFile(createWorld());
const service = await forFile(startIn(world, SETTINGS));

const send = (code: string | undefined, phone: string, wait = 0) =>
  service.call('POST', '/v1/redemptions', { code, phone }, { Prefer: `wait=${wait}`, 'Idempotency-Key': randomUUID() });
/** Sends until the breaker lets it in. */
const sendThrough = (code: string | undefined, phone: string, wait = 0) =>
  until(async () => {
    const answer = await send(code, phone, wait);
    return answer.status !== 503 && answer;
  });
const read = async (id: string, wait = 0) =>
  (await service.call('GET', `/v1/redemptions/${id}`, undefined, { Prefer: `wait=${wait}` })).body;
const settled = (id: string) =>
  until(async () => {
    const body = await read(id, 5);
    return ['completed', 'released', 'refused'].includes(body.state) && body;
  });
/** Waits until a redemption is stuck at a step whose first attempt in its own workflow is over: before, there is no error. */
const stuckAt = (id: string, step: string) =>
  until(async () => {
    const body = await read(id);
    return body.stuck?.step === step && body.stuck.last_error !== null && body;
  });
const walletId = async (phone: string) => {
  await service.call('POST', '/v1/wallets', { phone });
  return (await service.call('GET', `/v1/wallets/${phone}`)).body.id;
};
/** A phone whose wallet the gateway remembers, so that it can be let in while the wallet database is away. */
const rememberedPhone = async () => {
  const phone = newPhone();
  const [code] = await makeCodes(service, 1);
  expect((await sendThrough(code, phone, 20)).status).toBe(201);
  return phone;
};

test('with the wallet database gone after reserve, a redemption waits in sight, and completes when it is back', async () => {
  const phone = await rememberedPhone();
  const [code, later] = await makeCodes(service, 2);
  const heal = await breakDatabase(world, 'wallet');
  const { status, body } = await sendThrough(code, phone);
  expect(status).toBe(202);
  const stuck = await stuckAt(body.id, 'credit');
  expect(stuck).toMatchObject({
    state: 'reserved',
    stuck: {
      attempts: expect.any(Number),
      last_error: expect.stringContaining('wallet'),
      since: expect.stringMatching(/Z$/),
    },
  });

  // What the Web UI shows: a pending activity, current details and search attributes.
  const handle = world.temporal.workflow.getHandle(`redemption-${body.id}`);
  const description = await handle.describe();
  expect(description.raw.pendingActivities?.[0]?.activityType?.name).toBe('credit');
  expect(description.typedSearchAttributes.getAll()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ value: 'credit' }),
      expect.objectContaining({ value: stuck.code.group_id }),
    ]),
  );

  // Nobody else is let in, and nothing has happened to who was turned away.
  const turnedAway = await send(later, phone);
  expect(turnedAway.body).toMatchObject({ status: 503, code: 'unavailable' });
  expect(turnedAway.headers.get('Retry-After')).toBe('1');
  const lookup = await service.call('POST', '/v1/codes/lookup', { code: later });
  expect(lookup.body).toMatchObject({ state: 'unused', redemptions: [] });

  await heal();
  expect(await settled(body.id)).toMatchObject({ state: 'completed', transaction_id: body.id });
  expect((await sendThrough(later, phone, 20)).status).toBe(201);
  await assertCoherent(world);
});

test('who repeats what was accepted is not told that nothing has happened, while others are turned away', async () => {
  const [code, later] = await makeCodes(service, 2);
  const repeat = () =>
    service.call('POST', '/v1/redemptions', { code, phone }, { Prefer: 'wait=0', 'Idempotency-Key': key });
  const [phone, key] = [newPhone(), randomUUID()];
  const letGo = await lockTable(world.urls.giftCodeDatabase, 'redemptions');
  onTestFinished(letGo);
  const first = await until(async () => {
    const answer = await repeat();
    return answer.status !== 503 && answer;
  });
  expect(first).toMatchObject({ status: 202, body: { state: 'pending' } });
  const others: string[] = [];
  await until(async () => {
    const { status, body } = await send(later, newPhone());
    if (status === 202) others.push(body.id);
    return status === 503;
  });
  expect(await repeat()).toMatchObject({ status: 202, body: { id: first.body.id, state: 'pending' } });
  await letGo();
  expect(await settled(first.body.id)).toMatchObject({ state: 'completed', wallet: { phone } });
  expect(await repeat()).toMatchObject({ status: 201, body: { id: first.body.id } });
  for (const id of others) await settled(id);
  await assertCoherent(world);
});

test('a batch whose step fails is split: every redemption waits in a workflow of its own and completes', async () => {
  const phones = await Promise.all(Array.from({ length: 30 }, rememberedPhone));
  const codes = await makeCodes(service, 30);
  const heal = await breakDatabase(world, 'wallet');
  const accepted = await Promise.all(codes.map((code, index) => send(code, phones[index] ?? '')));
  const ids = accepted.filter(({ status }) => status === 202).map(({ body }) => body.id);
  expect(ids.length).toBeGreaterThan(1);
  for (const id of ids) await stuckAt(id, 'credit');
  await heal();
  for (const id of ids) {
    const redemption = await settled(id);
    expect(redemption).toMatchObject({ state: 'completed', workflow_id: `redemption-${id}` });
  }
  await assertCoherent(world);
});

test('one that cannot be credited is alone: the others of its batch complete', async () => {
  await rememberedPhone(); // the breaker is closed again
  const phones = Array.from({ length: 12 }, newPhone);
  const codes = await makeCodes(service, 12);
  const locked = phones[5] ?? '';
  const letGo = await lockRows(world.urls.walletDatabase, 'wallets', await walletId(locked));
  const accepted = await Promise.all(codes.map((code, index) => sendThrough(code, phones[index] ?? '')));
  const ids = accepted.map(({ body }) => body.id as string);
  for (const [index, id] of ids.entries()) {
    if (phones[index] === locked) await stuckAt(id, 'credit');
    else expect((await settled(id)).state).toBe('completed');
  }
  await letGo();
  expect((await settled(ids[5] ?? '')).state).toBe('completed');
  await assertCoherent(world);
});

test('one that is stuck is told by an event, once, however long it lasts', async () => {
  const phones = [newPhone(), newPhone()];
  const codes = await makeCodes(service, 2);
  const letGo: (() => Promise<void>)[] = [];
  const ids: string[] = [];
  const typesOf = async (id: string) => (await eventsOf(world.giftCode, id)).map(({ type }) => type);
  // When the second one is told, a later sweep has met the first one again.
  for (const [index, phone] of phones.entries()) {
    letGo.push(await lockRows(world.urls.walletDatabase, 'wallets', await walletId(phone)));
    const { body } = await sendThrough(codes[index], phone);
    ids.push(body.id);
    await until(async () => (await typesOf(body.id)).includes('redemption.stuck'));
  }
  for (const release of letGo) await release();
  for (const id of ids) {
    expect((await settled(id)).state).toBe('completed');
    expect(await eventsOf(world.giftCode, id)).toEqual([
      { type: 'redemption.reserved', version: 1 },
      { type: 'redemption.stuck', version: 2 },
      { type: 'redemption.completed', version: 3 },
    ]);
  }
  const [event] = await until(async () => {
    const events = (await world.events()).filter(
      ({ type, subject }) => type === 'redemption.stuck' && subject === ids[0],
    );
    return events.length > 0 && events;
  });
  expect(event?.data).toMatchObject({
    redemption_id: ids[0],
    amount: { value: 1000, currency: 'USD' },
    reserved_at: (await read(ids[0] ?? '')).created_at,
  });
  await assertCoherent(world);
});

test('an aborted redemption is voided and released, its code is free again, and aborting twice is one abort', async () => {
  const phone = await rememberedPhone();
  const [code] = await makeCodes(service, 1);
  const heal = await breakDatabase(world, 'wallet');
  const { body } = await sendThrough(code, phone);
  await stuckAt(body.id, 'credit');
  const first = await service.call(
    'POST',
    `/v1/redemptions/${body.id}/abort`,
    { reason: 'wrong phone' },
    { Prefer: 'wait=0' },
  );
  expect(first.status).toBe(202);
  await stuckAt(body.id, 'void');
  await heal();
  expect(await settled(body.id)).toMatchObject({
    state: 'released',
    reason: 'aborted: wrong phone',
    transaction_id: null,
  });
  const again = await service.call('POST', `/v1/redemptions/${body.id}/abort`, { reason: 'again' });
  expect(again).toMatchObject({ status: 200, body: { state: 'released', reason: 'aborted: wrong phone' } });
  expect((await service.call('POST', '/v1/codes/lookup', { code })).body.state).toBe('unused');
  expect((await sendThrough(code, newPhone(), 20)).status).toBe(201);
  await assertCoherent(world);
});

test('an abort that comes after the credit goes forward: the wallet has decided', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const wallet = await walletId(phone);
  const codeId = (await service.call('POST', '/v1/codes/lookup', { code })).body.id;
  const letWalletGo = await lockRows(world.urls.walletDatabase, 'wallets', wallet);
  const { body } = await sendThrough(code, phone);
  await until(async () => (await read(body.id)).state === 'reserved');
  const letCodeGo = await lockRows(world.urls.giftCodeDatabase, 'codes', codeId);
  await letWalletGo();
  await stuckAt(body.id, 'confirm');
  const abort = await service.call(
    'POST',
    `/v1/redemptions/${body.id}/abort`,
    { reason: 'too late' },
    { Prefer: 'wait=0' },
  );
  expect(abort.status).toBe(202);
  await letCodeGo();
  expect(await settled(body.id)).toMatchObject({ state: 'completed', transaction_id: body.id });
  expect((await service.call('POST', `/v1/redemptions/${body.id}/abort`, { reason: 'now' })).body).toMatchObject({
    status: 409,
    code: 'conflict',
    state: 'completed',
  });
  expect((await service.call('POST', `/v1/redemptions/${randomUUID()}/abort`, { reason: 'none' })).status).toBe(404);
  await assertCoherent(world);
});

test('a redemption whose workflow was terminated by hand is picked up and finished', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const letGo = await lockRows(world.urls.walletDatabase, 'wallets', await walletId(phone));
  const { body } = await sendThrough(code, phone);
  await stuckAt(body.id, 'credit');
  await world.temporal.workflow.getHandle(`redemption-${body.id}`).terminate('by hand');
  await letGo();
  expect(await settled(body.id)).toMatchObject({ state: 'completed' });
  await assertCoherent(world);
});

test('a workflow that is cancelled undoes what it began', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const letGo = await lockRows(world.urls.walletDatabase, 'wallets', await walletId(phone));
  const { body } = await sendThrough(code, phone);
  await stuckAt(body.id, 'credit');
  await world.temporal.workflow.getHandle(`redemption-${body.id}`).cancel();
  await stuckAt(body.id, 'void');
  // An attempt to credit that still waits would be first in the line.
  await nobodyWaits(world.wallet, 'credit_1');
  await letGo();
  expect(await settled(body.id)).toMatchObject({ state: 'released', reason: 'cancelled' });
  expect((await service.call('POST', '/v1/codes/lookup', { code })).body.state).toBe('unused');
  await assertCoherent(world);
});

test('while the wallet database is away, a repeat is told that it is under way, and one for another phone that it is not', async () => {
  const [phone, other] = [await rememberedPhone(), await rememberedPhone()];
  const [code] = await makeCodes(service, 1);
  const key = { 'Idempotency-Key': randomUUID(), Prefer: 'wait=0' };
  const ask = (of: string) => service.call('POST', '/v1/redemptions', { code, phone: of }, key);
  const heal = await breakDatabase(world, 'wallet');
  const { body } = await until(async () => {
    const answer = await ask(phone);
    return answer.status === 202 && answer;
  });
  await stuckAt(body.id, 'credit');
  expect(await ask(phone)).toMatchObject({ status: 202, body: { id: body.id, state: 'reserved' } });
  expect(await ask(other)).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
  await heal();
  expect((await settled(body.id)).state).toBe('completed');
  expect(await ask(phone)).toMatchObject({ status: 201, body: { id: body.id } });
});

test('one that is stuck before it has a row can be retried and repeated where nothing else is known of it', async () => {
  // With the same settings: the latest to start says how often the sweeper of both runs.
  const other = await startIn(world, SETTINGS);
  try {
    const [code] = await makeCodes(service, 1);
    const { id: codeId } = (await service.call('POST', '/v1/codes/lookup', { code })).body;
    const letGo = await lockRows(world.urls.giftCodeDatabase, 'codes', codeId);
    const [phone, key] = [newPhone(), { 'Idempotency-Key': randomUUID(), Prefer: 'wait=0' }];
    const { body } = await until(async () => {
      const answer = await service.call('POST', '/v1/redemptions', { code, phone }, key);
      return answer.status === 202 && answer;
    });
    await stuckAt(body.id, 'reserve');
    const retry = (id: string) => other.call('POST', `/v1/redemptions/${id}/retry`, {}, { Prefer: 'wait=0' });
    expect(await retry(body.id)).toMatchObject({ status: 202, body: { id: body.id, state: 'pending' } });
    expect((await retry(randomUUID())).status).toBe(404);
    const repeat = (of: string) => other.call('POST', '/v1/redemptions', { code, phone: of }, key);
    expect(await repeat(newPhone())).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    expect(await repeat(phone)).toMatchObject({ status: 202, body: { id: body.id, state: 'pending' } });
    await letGo();
    expect((await settled(body.id)).state).toBe('completed');
  } finally {
    await other.close();
  }
});

test('a retry need not wait for the next attempt: of one redemption, or of all that are stuck at a step', async () => {
  const patient = await startIn(world, {
    TEMPORAL_TASK_QUEUE: `${world.taskQueue}-patient`,
    VOUCHSAFE_STEP_TIMEOUT_MS: '1000',
    VOUCHSAFE_STEP_ATTEMPTS: '1',
    VOUCHSAFE_RETRY_MAX_MS: '10000',
  });
  try {
    const phones = Array.from({ length: 3 }, newPhone);
    const codes = await makeCodes(service, 3);
    const locks = [];
    for (const phone of phones) locks.push(await lockRows(world.urls.walletDatabase, 'wallets', await walletId(phone)));
    const ids: string[] = [];
    for (const [index, code] of codes.entries()) {
      const { body } = await until(async () => {
        const answer = await patient.call(
          'POST',
          '/v1/redemptions',
          { code, phone: phones[index] },
          { Prefer: 'wait=0' },
        );
        return answer.status !== 503 && answer;
      });
      ids.push(body.id);
    }
    const isWaiting = async (id: string) =>
      (await patient.call('GET', `/v1/redemptions/${id}`)).body.stuck?.next_attempt_at;
    for (const id of ids) await until(() => isWaiting(id));
    await locks[0]?.();
    const one = await patient.call('POST', `/v1/redemptions/${ids[0]}/retry`, {}, { Prefer: 'wait=20' });
    expect(one).toMatchObject({ status: 200, body: { state: 'completed' } });
    const retryAll = async () => (await patient.call('POST', '/v1/redemptions/retry', { step: 'credit' })).body;
    await until(async () => (await retryAll()).retried === 2);
    for (const letGo of locks.slice(1)) await letGo();
    for (const id of ids) expect((await settled(id)).state).toBe('completed');
    expect((await patient.call('POST', `/v1/redemptions/${ids[0]}/retry`, {})).status).toBe(200);
    expect((await patient.call('POST', `/v1/redemptions/${randomUUID()}/retry`, {})).status).toBe(404);
  } finally {
    await patient.close();
  }
  await assertCoherent(world);
});

test.each([
  ['before its debit', 'wallets', 'reverse_credit'],
  ['after its debit', 'codes', 'reverse_redemption'],
] as const)(
  'a reversal whose workflow is terminated %s is picked up, and does what was asked for',
  async (_, table, step) => {
    const phone = await rememberedPhone();
    const [code] = await makeCodes(service, 1);
    const { body } = await sendThrough(code, phone, 20);
    const [url, row, pool] =
      table === 'wallets'
        ? [world.urls.walletDatabase, body.wallet.id, world.wallet]
        : [world.urls.giftCodeDatabase, body.code.id, world.giftCode];
    const letGo = await lockRows(url, table, row);
    const reversal = { reason: 'refunded', code: 'void' };
    const headers = { Prefer: 'wait=0' };
    expect((await service.call('POST', `/v1/redemptions/${body.id}/reverse`, reversal, headers)).status).toBe(202);
    await someoneWaits(pool, step);
    await world.temporal.workflow.getHandle(reversalWorkflowId(body.id)).terminate();
    await nobodyWaits(pool, step);
    await letGo();
    await until(async () => (await read(body.id)).state === 'reversed');
    expect((await read(body.id)).reason).toBe('reversed: refunded');
    expect((await send(code, newPhone())).body.code).toBe('code-already-redeemed');
    const { items } = (await service.call('GET', `/v1/wallets/${phone}/transactions`)).body;
    expect(items.filter(({ kind }: { kind: string }) => kind === 'reversal')).toHaveLength(1);
    await assertCoherent(world);
  },
);

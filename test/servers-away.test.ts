import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { startNats, startTemporal } from '../platform/local/index.ts';
import { breakDatabase, lockRows, openForwarder } from './faults.ts';
import { assertCoherent, createWorld, forFile, isBreakerOpen, makeCodes, newPhone, startIn, until } from './harness.ts';

const world = await forFile(createWorld());
/** A Temporal of its own, to be stopped. */
let temporal = await startTemporal({ directory: join(world.home, 'temporal') });
afterAll(() => temporal.stop());
world.urls.temporal = temporal.address;
/** The way to the wallet database, to be cut. */
const way = await forFile(openForwarder(world.urls.walletDatabase));
world.urls.walletDatabase = way.url;
const service = await forFile(
  startIn(world, {
    VOUCHSAFE_START_TIMEOUT_MS: '1000',
    VOUCHSAFE_SWEEP_AFTER_MS: '2000',
    VOUCHSAFE_SWEEP_EVERY_MS: '1000',
  }),
);
afterEach(() => assertCoherent(world));

const redeem = (code: string | undefined, phone: string, key: string = randomUUID()) =>
  service.call('POST', '/v1/redemptions', { code, phone }, { 'Idempotency-Key': key, Prefer: 'wait=20' });
const readyz = async () => (await service.call('GET', '/readyz')).body;
const isShown = async (id: string) => {
  expect((await service.call('GET', `/v1/redemptions/${id}`)).body).toMatchObject({ id, state: 'completed' });
  expect(await service.call('GET', '/v1/redemptions?stuck=true')).toMatchObject({ status: 200, body: { items: [] } });
};
/** With one key: an attempt of which nobody knows what became may have been the one. */
const isLetIn = (code: string | undefined, phone: string, key: string = randomUUID()) =>
  until(async () => {
    const answer = await redeem(code, phone, key);
    return answer.status === 201 && answer;
  });

test('when the answer to a start is lost, the client is told the id, and the same key settles it once', async () => {
  const [code, later, earlier] = await makeCodes(service, 3);
  const { body: before } = await isLetIn(earlier, newPhone());
  const phone = newPhone();
  const key = randomUUID();
  process.kill(temporal.pid, 'SIGSTOP');
  try {
    const unknown = await redeem(code, phone, key);
    expect(unknown.body).toMatchObject({ status: 504, code: 'outcome-unknown', redemption_id: expect.any(String) });
    // Others are turned away before anything happens to them.
    expect((await redeem(later, newPhone())).body).toMatchObject({ status: 503, code: 'unavailable' });
    expect(await readyz()).toMatchObject({
      status: 503,
      code: 'unavailable',
      checks: { temporal: 'unavailable', wallet_database: 'ok' },
    });
    await isShown(before.id);
  } finally {
    process.kill(temporal.pid, 'SIGCONT');
  }
  const answer = await isLetIn(code, phone, key);
  expect(answer.body.state).toBe('completed');
  const { rows } = await world.wallet.query(`select count(*)::int as n from transfers where wallet_id = $1`, [
    answer.body.wallet.id,
  ]);
  expect(rows).toEqual([{ n: 1 }]);
});

test('while Temporal is silent, whoever asks about a redemption is answered, and so is whoever works on it', async () => {
  const [code, done] = await makeCodes(service, 2);
  const phone = newPhone();
  const { body: wallet } = await service.call('POST', '/v1/wallets', { phone });
  const { body: completed } = await isLetIn(done, newPhone());
  const unlock = await lockRows(world.urls.walletDatabase, 'wallets', wallet.id);
  const { body: reserved } = await service.call('POST', '/v1/redemptions', { code, phone }, { Prefer: 'wait=1' });
  const path = `/v1/redemptions/${reserved.id}`;
  await until(async () => (await service.call('GET', path)).body.stuck);
  process.kill(temporal.pid, 'SIGSTOP');
  try {
    const asked = [
      ['GET', path],
      ['GET', `/v1/redemptions/${randomUUID()}`],
      ['POST', `${path}/retry`, {}],
      ['POST', `${path}/abort`, { reason: 'silent' }],
      ['POST', `/v1/redemptions/${completed.id}/reverse`, { reason: 'silent', code: 'free' }],
      ['POST', '/v1/redemptions/retry', { step: 'credit' }],
    ] as const;
    const answers = await Promise.all(asked.map(([method, at, body]) => service.call(method, at, body)));
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 504, 504, 202, 503]);
    expect(answers[0]?.body).toMatchObject({ id: reserved.id, state: 'reserved' });
  } finally {
    process.kill(temporal.pid, 'SIGCONT');
    await unlock();
  }
  await until(async () => ['completed', 'released'].includes((await service.call('GET', path)).body.state));
  await until(async () => (await service.call('GET', `/v1/redemptions/${completed.id}`)).body.state === 'reversed');
});

test('while Temporal is down, a redemption is refused and nothing has happened; then it goes on', async () => {
  const [code, earlier] = await makeCodes(service, 2);
  const { body: before } = await isLetIn(earlier, newPhone());
  const phone = newPhone();
  const { port } = temporal;
  await temporal.kill();
  const refused = await redeem(code, phone);
  expect(refused.body).toMatchObject({ status: 503, code: 'unavailable' });
  expect(refused.headers.get('Retry-After')).toBe('1');
  expect((await service.call('POST', '/v1/codes/lookup', { code })).body).toMatchObject({
    state: 'unused',
    redemptions: [],
  });
  await isShown(before.id);
  temporal = await startTemporal({ directory: join(world.home, 'temporal'), port });
  expect((await isLetIn(code, phone)).body.state).toBe('completed');
});

test('while Temporal is down, a reversal is accepted, and done when it is back', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const { body } = await isLetIn(code, phone);
  const { port } = temporal;
  await temporal.kill();
  const reversal = { reason: 'refunded', code: 'free' };
  const reverse = () => service.call('POST', `/v1/redemptions/${body.id}/reverse`, reversal, { Prefer: 'wait=1' });
  expect(await reverse()).toMatchObject({ status: 202, body: { id: body.id, state: 'completed' } });
  expect((await reverse()).headers.get('Idempotent-Replayed')).toBe('true');
  temporal = await startTemporal({ directory: join(world.home, 'temporal'), port });
  await until(async () => (await service.call('GET', `/v1/redemptions/${body.id}`)).body.state === 'reversed');
  const { rows } = await world.gateway.query(
    `select after from audit_log where action = 'redemption.reverse'
    and resource_id = $1`,
    [body.id],
  );
  expect(rows).toEqual([{ after: { code: 'free', reason: 'refunded', state: 'completed' } }]);
});

test('a namespace that Temporal has not stops a start, by the name of its variable', async () => {
  const starting = startIn(world, { TEMPORAL_NAMESPACE: 'no-such-namespace' });
  await expect(starting).rejects.toThrow('TEMPORAL_NAMESPACE cannot be no-such-namespace');
});

test('while the gift-code database is away, requests are refused; then they go on', async () => {
  const [code] = await makeCodes(service, 1);
  const heal = await breakDatabase(world, 'gift_code');
  expect((await redeem(code, newPhone())).body).toMatchObject({ status: 503, code: 'unavailable' });
  expect((await service.call('GET', '/v1/code-groups')).body).toMatchObject({ status: 503, code: 'unavailable' });
  const group = { name: 'Eid', amount: { value: 100, currency: 'USD' }, count: 1 };
  expect((await service.call('POST', '/v1/code-groups', group)).body).toMatchObject({
    status: 503,
    code: 'unavailable',
  });
  expect(await readyz()).toMatchObject({ checks: { gift_code_database: 'unavailable' } });
  // Nothing was begun that could fail: the look-up alone tells.
  expect(await isBreakerOpen(service, 'gift-code')).toBe(true);
  await heal();
  expect((await isLetIn(code, newPhone())).status).toBe(201);
  expect(await isBreakerOpen(service, 'gift-code')).toBe(false);
});

test('where a database is away before a change is begun, nothing has happened, and nothing is written down of it', async () => {
  const phone = newPhone();
  expect((await service.call('POST', '/v1/wallets', { phone })).status).toBe(201);
  const written = async () => (await world.gateway.query('select count(*)::int as n from audit_log')).rows[0].n;
  const before = await written();
  await way.close();
  const amount = { value: 1, currency: 'USD' };
  for (const [method, path, body] of [
    ['PATCH', `/v1/wallets/${phone}`, { state: 'frozen' }],
    ['POST', `/v1/wallets/${phone}/credits`, { amount }],
  ] as const) {
    expect((await service.call(method, path, body)).body).toMatchObject({ status: 503, code: 'unavailable' });
  }
  expect(await written()).toBe(before);
  await way.open();
  await until(async () => (await service.call('POST', `/v1/wallets/${phone}/credits`, { amount })).status === 201);
});

test('when a database is away after a change was made in another, nobody is told that nothing has happened', async () => {
  const [code] = await makeCodes(service, 1);
  const { id } = (await redeem(code, newPhone())).body.code;
  const heal = await breakDatabase(world, 'wallet');
  // A code is shown with its redemptions, and these with their wallets.
  const answer = await service.call('PATCH', `/v1/codes/${id}`, { disabled: true });
  expect(answer.body).toMatchObject({ status: 504, code: 'outcome-unknown' });
  const { rows } = await world.gateway.query(
    `select outcome from audit_log where action = 'code.update' and resource_id = $1`,
    [id],
  );
  expect(rows).toEqual([{ outcome: 'unknown' }]);
  await heal();
  await until(async () => (await service.call('GET', `/v1/codes/${id}`)).body.disabled === true);
});

test('while NATS is away, redemptions go on, and their events arrive when it is back', async () => {
  const codes = await makeCodes(service, 3);
  const { port } = world.nats;
  await world.nats.kill();
  const answers = await Promise.all(codes.map((code) => redeem(code, newPhone())));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  world.nats = await startNats({ directory: join(world.home, 'nats'), port });
  await until(async () => {
    const completed = (await world.events())
      .filter(({ type }) => type === 'redemption.completed')
      .map(({ subject }) => subject);
    return answers.every(({ body }) => completed.includes(body.id));
  });
});

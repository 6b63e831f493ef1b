import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { type PartProcess, startPart } from '../bench/part-process.ts';
import { spawnService } from '../bench/service-process.ts';
import {
  assertCoherent,
  caller,
  createWorld,
  forFile,
  isBreakerOpen,
  makeCodes,
  makeCoupon,
  newPhone,
  type TestService,
  until,
} from './harness.ts';

const PARTS_KEY = 'parts-key-0123456789abcdef';
const world = await forFile(createWorld());
const running = new Set<PartProcess>();
afterAll(async () => {
  for (const part of [...running].reverse()) await part.end('SIGTERM');
});

/** Starts a part that is told no more than it has to know. */
async function start(role: string, variables: string[], more: Record<string, string> = {}): Promise<PartProcess> {
  const known = ['VOUCHSAFE_HOME', 'VOUCHSAFE_LOG_LEVEL', 'TEMPORAL_TASK_QUEUE', 'PORT', ...variables];
  const told = Object.fromEntries(known.map((name) => [name, world.environment[name] ?? '']));
  const part = await startPart(role, { ...told, ...more });
  const started: PartProcess = {
    ...part,
    end(signal) {
      running.delete(started);
      return part.end(signal);
    },
  };
  running.add(started);
  return started;
}

const workOnWallets = () => start('work wallet', ['WALLET_DATABASE_URL', 'NATS_URL', 'TEMPORAL_ADDRESS']);
const workOnGiftCodes = () =>
  start('work gift-code', ['GIFT_CODE_DATABASE_URL', 'NATS_URL', 'TEMPORAL_ADDRESS', 'VOUCHSAFE_CODE_KEYS']);
const key = { VOUCHSAFE_PARTS_KEY: PARTS_KEY };
const serveWallets = (more = {}) => start('serve wallet', ['WALLET_DATABASE_URL'], { ...key, ...more });
const serveGiftCodes = () => start('serve gift-code', ['GIFT_CODE_DATABASE_URL', 'VOUCHSAFE_CODE_KEYS'], key);

const wallets = await serveWallets();
const giftCodes = await serveGiftCodes();
const workers = { wallet: await workOnWallets(), giftCode: await workOnGiftCodes() };
const gateway = await start(
  'serve gateway',
  ['GATEWAY_DATABASE_URL', 'NATS_URL', 'TEMPORAL_ADDRESS', 'VOUCHSAFE_CODE_KEYS', 'VOUCHSAFE_ADMIN_KEY'],
  { ...key, GIFT_CODE_URL: giftCodes.url, WALLET_URL: wallets.url },
);
const service: TestService = { url: gateway.url, call: caller(gateway.url), close: async () => undefined };

const redeem = (code: string | undefined, phone: string, idempotencyKey = randomUUID()) =>
  service.call('POST', '/v1/redemptions', { code, phone }, { 'Idempotency-Key': idempotencyKey });

test('redeems once, refuses the second, and answers a repeat, with parts that know their own databases alone', async () => {
  const [code] = await makeCodes(service, 3);
  const [phone, idempotencyKey] = [newPhone(), randomUUID()];
  const first = await redeem(code, phone, idempotencyKey);
  expect(first).toMatchObject({ status: 201, body: { state: 'completed', wallet: { balance: { value: 1000 } } } });
  const repeat = await redeem(code, phone, idempotencyKey);
  expect(repeat.headers.get('Idempotent-Replayed')).toBe('true');
  expect(repeat.body).toEqual(first.body);
  expect((await redeem(code, newPhone())).body.code).toBe('code-already-redeemed');
  await assertCoherent(world);
});

test('many at once are done in batches, none over a limit, and each answer is that of its redemption', async () => {
  const codes = await makeCodes(service, 150);
  const coupon = await makeCoupon(service, 50);
  const answers = await Promise.all([
    ...codes.map((code) => redeem(code, newPhone())),
    ...Array.from({ length: 100 }, () => redeem(coupon, newPhone())),
  ]);
  const completed = answers.filter(({ status }) => status === 201);
  expect(completed).toHaveLength(200);
  for (const { body } of completed)
    expect(body).toMatchObject({ state: 'completed', wallet: { balance: { value: 1000 } } });
  for (const { body } of answers.filter(({ status }) => status !== 201)) {
    expect(['code-exhausted', 'code-reserved']).toContain(body.code);
  }
  const batches = await world.giftCode.query('select count(distinct workflow_id)::int as count from redemptions');
  expect(batches.rows[0].count).toBeLessThan(150);
  await assertCoherent(world);
});

test('codes in the background, a file of codes, statistics, the way back, the books and events', async () => {
  const made = await service.call('POST', '/v1/code-groups', {
    name: 'Many',
    amount: { value: 500, currency: 'USD' },
    count: 3000,
  });
  expect(made.status).toBe(202);
  const group = `/v1/code-groups/${made.body.id}`;
  await until(async () => (await service.call('GET', group)).body.generation.state === 'done');
  const csv = await service.call('GET', `${group}/codes.csv`);
  const lines = String(csv.body).trim().split('\n');
  expect(lines).toHaveLength(3001);
  const imported = await service.call('POST', `${group}/codes`, 'code,max_redemptions\nGIVEN2026,2\n!,1\n', {
    'Content-Type': 'text/csv',
  });
  expect(imported.body).toMatchObject({ imported: 1, invalid: [{ line: 3 }] });

  const phone = newPhone();
  const redeemed = await redeem(lines[1]?.split(',')[1], phone);
  expect(redeemed.status).toBe(201);
  expect((await redeem('given-2O26', phone)).status).toBe(201);
  const reversed = await service.call('POST', `/v1/redemptions/${redeemed.body.id}/reverse`, {
    reason: 'wrong person',
    code: 'free',
  });
  expect(reversed.status).toBe(200);
  const stats = await service.call('GET', `${group}/stats`);
  expect(stats.body).toMatchObject({
    codes: { total: 3001, partly_used: 1 },
    redemptions: { completed: 1, reversed: 1 },
    credited: { value: 500, currency: 'USD' },
  });
  const movements = await service.call('GET', `/v1/wallets/${phone}/transactions`);
  expect(movements.body.items.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
    'redemption',
    'redemption',
    'reversal',
  ]);
  const books = await service.call('POST', '/v1/reconciliations', {}, { Prefer: 'wait=30' });
  expect(books.body).toMatchObject({ state: 'balanced' });
  const timeline = await service.call('GET', `/v1/redemptions/${redeemed.body.id}/timeline`);
  expect(timeline.status).toBe(200);
  await until(async () => (await world.events()).some(({ type }) => type === 'redemption.reversed'));
  await assertCoherent(world);
});

test('while nobody works on wallets, what was accepted waits, nobody else is let in, and who comes completes it once', async () => {
  const codes = await makeCodes(service, 10);
  await workers.wallet.end('SIGKILL');
  const [phone, idempotencyKey] = [newPhone(), randomUUID()];
  const accepted = await service.call(
    'POST',
    '/v1/redemptions',
    { code: codes[0], phone },
    { 'Idempotency-Key': idempotencyKey, Prefer: 'wait=1' },
  );
  expect(accepted.status).toBe(202);
  let next = 1;
  const refused = await until(async () => {
    const answer = await redeem(codes[next++], newPhone());
    expect([202, 503]).toContain(answer.status);
    return answer.status === 503 && answer;
  });
  expect(refused.body).toMatchObject({ code: 'unavailable', detail: expect.stringContaining('wallet') });
  const path = `/v1/redemptions/${accepted.body.id}`;
  const stuck = await until(async () => {
    const { body } = await service.call('GET', path);
    return body.stuck && body;
  });
  expect(stuck).toMatchObject({ state: 'reserved', stuck: { step: 'credit' } });

  workers.wallet = await workOnWallets();
  const done = await service.call('GET', path, undefined, { Prefer: 'wait=30' });
  expect(done.body).toMatchObject({ state: 'completed', wallet: { phone, balance: { value: 1000 } } });
  expect((await redeem(codes[0], phone, idempotencyKey)).body.id).toBe(accepted.body.id);
  const again = await until(async () => {
    const answer = await redeem(codes.at(-1), phone);
    return answer.status !== 503 && answer;
  });
  expect(again).toMatchObject({ status: 201, body: { wallet: { balance: { value: 2000 } } } });
  await until(async () => {
    const { rows } = await world.giftCode.query(`select from redemptions where state = 'reserved'`);
    return rows.length === 0;
  });
  await assertCoherent(world);
});

test('while the process that serves wallets is away, redemptions get 503, and the gateway tells what is away', async () => {
  const [code] = await makeCodes(service, 1);
  const { port } = new URL(wallets.url);
  await wallets.end('SIGKILL');
  expect(await redeem(code, newPhone())).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  const ready = await service.call('GET', '/readyz');
  expect(ready).toMatchObject({
    status: 503,
    body: { checks: { wallet_database: 'unavailable', gateway_database: 'ok' } },
  });
  await serveWallets({ PORT: port });
  await until(async () => (await service.call('GET', '/readyz')).status === 200);
  await until(async () => (await redeem(code, newPhone())).status === 201);
  await assertCoherent(world);
});

test('while the process that serves wallets is silent, nobody is let in, and a metric says so', async () => {
  const codes = await makeCodes(service, 2);
  const [serving] = [...running].filter(({ url }) => url.endsWith(`:${new URL(wallets.url).port}`));
  if (!serving) throw new Error('nobody serves wallets');
  const isOpen = () => isBreakerOpen(service, 'wallet');
  process.kill(serving.pid, 'SIGSTOP');
  try {
    expect((await redeem(codes[0], newPhone())).status).toBe(503);
    await until(isOpen);
  } finally {
    process.kill(serving.pid, 'SIGCONT');
  }
  await until(async () => !(await isOpen()));
  expect((await redeem(codes[1], newPhone())).status).toBe(201);
  await assertCoherent(world);
});

test('a part answers those alone who have the key, and tells anybody how it is', async () => {
  const post = (name: string, headers: Record<string, string>) =>
    fetch(`${giftCodes.url}/operations/${name}`, { method: 'POST', headers });
  expect((await post('readCodeTexts', {})).status).toBe(401);
  expect((await post('readCodeTexts', { Authorization: 'Bearer another' })).status).toBe(401);
  const Authorization = `Bearer ${PARTS_KEY}`;
  expect((await post('constructor', { Authorization })).status).toBe(404);
  for (const path of ['/healthz', '/readyz']) expect((await fetch(giftCodes.url + path)).status).toBe(200);
  const counted = await (await fetch(`${workers.giftCode.url}/metrics`)).text();
  expect(counted).toMatch(/^vouchsafe_redemptions_total\{outcome="completed",reason=""\} [1-9]/m);
});

test('a part that is not told what it needs says which variable is missing', async () => {
  await expect(start('work wallet', ['NATS_URL', 'TEMPORAL_ADDRESS'])).rejects.toThrow(
    'WALLET_DATABASE_URL is not set',
  );
  await expect(start('work wallet', ['WALLET_DATABASE_URL', 'NATS_URL'])).rejects.toThrow(
    'TEMPORAL_ADDRESS is not set',
  );
  await expect(start('serve wallet', ['WALLET_DATABASE_URL'])).rejects.toThrow('VOUCHSAFE_PARTS_KEY is not set');
  const WALLET_DATABASE_URL = world.environment.GIFT_CODE_DATABASE_URL ?? '';
  await expect(start('serve wallet', [], { ...key, WALLET_DATABASE_URL })).rejects.toThrow(
    'this is the database of the gift-code part',
  );
  await expect(
    start('serve gateway', ['GATEWAY_DATABASE_URL', 'NATS_URL', 'TEMPORAL_ADDRESS'], {
      ...key,
      WALLET_URL: 'http://127.0.0.1:1',
    }),
  ).rejects.toThrow('GIFT_CODE_URL is not set');
});

test('a start that waits for a silent database can be stopped', async () => {
  const silent = createServer((socket) => socket.resume().on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const { PATH = '', HOME = '' } = process.env;
  const WALLET_DATABASE_URL = `postgresql://a@127.0.0.1:${port}/a`;
  const env = { PATH, HOME, ...key, WALLET_DATABASE_URL };
  const child = spawnService({ env, stdio: ['ignore', 'ignore', 'pipe'] }, ['serve', 'wallet']);
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  await once(silent, 'connection');
  child.kill('SIGTERM');
  await once(child, 'close');
  expect(errors).toBe('stopped by SIGTERM\n');
  silent.close();
});

test('the command line runs parts, and refuses what is none', async () => {
  const vouchsafe = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['bin/vouchsafe.mjs', ...args], { env: { PATH: process.env.PATH } });
  await expect(vouchsafe('serve', 'wallet')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^WALLET_DATABASE_URL is not set: .*\nvouchsafe: serve wallet has ended\n$/),
  });
  await expect(vouchsafe('work', 'gateway')).rejects.toMatchObject({ code: 2 });
});

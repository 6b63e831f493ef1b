import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, expect, test } from 'vitest';
import { generateCodeText } from '../platform/code-text.ts';
import {
  type ApiAnswer,
  assertCoherent,
  createWorld,
  forFile,
  makeCodes,
  newPhone,
  startIn,
  startRedisIn,
  type TestService,
  until,
} from './harness.ts';

const world = await forFile(createWorld());
let redis = await startRedisIn(world);
const running: TestService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
});
afterAll(() => redis.stop());

const FEW = 3;
/** Longer than any test here takes. */
const LONG_MS = 300_000;
const perPhone = { VOUCHSAFE_WRONG_CODES_PER_PHONE: String(FEW) };
const perAddress = { VOUCHSAFE_WRONG_CODES_PER_ADDRESS: String(FEW), VOUCHSAFE_PROXIES: '1' };
const perKey = { VOUCHSAFE_WRONG_CODES_PER_KEY: String(FEW), VOUCHSAFE_PROXIES: '1' };

async function start(settings: Record<string, string>, { shared = false } = {}): Promise<TestService> {
  const urls = { ...world.urls, redis: shared ? redis.url : null };
  const service = await startIn({ ...world, urls }, { VOUCHSAFE_FIRST_LOCKOUT_MS: String(LONG_MS), ...settings });
  running.push(service);
  return service;
}

/** Well-formed, and nobody's. */
const wrongCode = () => generateCodeText(randomBytes);
let lastAddress = 0;
const newAddress = () => `198.51.100.${++lastAddress}`;

interface Attempt {
  code?: string;
  phone?: string;
  from?: string;
  key?: string;
}
const attempt = (service: TestService, { code = wrongCode(), phone = newPhone(), from, key }: Attempt) =>
  service.call(
    'POST',
    '/v1/redemptions',
    { code, phone },
    { ...(from && { 'X-Forwarded-For': from }), ...(key && { Authorization: `Bearer ${key}` }) },
  );

/** Guesses for a phone until it is locked out. */
async function guess(service: TestService, phone: string): Promise<void> {
  for (let wrong = 0; wrong <= FEW; wrong++)
    expect((await attempt(service, { phone })).body.code).toBe('code-not-found');
}

/** Guesses until there is a lock-out where wrong codes are forgiven soon: so many at once that few are meanwhile. */
async function guessAtOnce(guess: () => Promise<ApiAnswer>): Promise<void> {
  await Promise.all(Array.from({ length: 60 }, guess));
}

function expectLockedOut({ status, body, headers }: ApiAnswer): void {
  expect({ status, code: body.code }).toEqual({ status: 429, code: 'too-many-attempts' });
  expect(Number(headers.get('Retry-After'))).toBeGreaterThanOrEqual(1);
}

test('who guesses for a phone is locked out with it, for good codes too, and only with it', async () => {
  const service = await start(perPhone);
  const [code = ''] = await makeCodes(service, 1);
  const phone = newPhone();
  await guess(service, phone);
  expectLockedOut(await attempt(service, { code, phone }));
  expectLockedOut(await service.call('POST', '/v1/code-checks', { code, phone }));
  expect((await attempt(service, { code })).status).toBe(201);
});

test('the lock-out ends, and the next wrong code brings a longer one', async () => {
  const service = await start({ ...perPhone, VOUCHSAFE_FIRST_LOCKOUT_MS: '3000' });
  const phone = newPhone();
  await guess(service, phone);
  let sentAt = 0;
  const again = await until(async () => {
    sentAt = performance.now();
    const answer = await attempt(service, { phone });
    return answer.status !== 429 && answer;
  });
  expect(again.body.code).toBe('code-not-found');
  const locked = await attempt(service, { phone });
  expectLockedOut(locked);
  const endsAt = performance.now() + 1_000 * Number(locked.headers.get('Retry-After'));
  expect(endsAt - sentAt).toBeGreaterThanOrEqual(6_000);
});

test('who guesses from an address is locked out whatever the phone, other addresses are not', async () => {
  const service = await start(perAddress);
  const [code = ''] = await makeCodes(service, 1);
  const from = newAddress();
  await guessAtOnce(() => attempt(service, { from }));
  expectLockedOut(await attempt(service, { code, from }));
  expect((await attempt(service, { code, from: newAddress() })).status).toBe(201);
});

test('of an IPv6 address the network counts: the next of its addresses is locked out as well', async () => {
  const service = await start(perAddress);
  await guessAtOnce(() => attempt(service, { from: '2001:db8:1:2::1' }));
  expectLockedOut(await attempt(service, { from: '2001:db8:1:2:ffff::2' }));
  expect((await attempt(service, { from: '2001:db8:1:3::1' })).status).toBe(404);
});

test('without a proxy in front, nobody chooses an address by a header', async () => {
  const service = await start({ ...perAddress, VOUCHSAFE_PROXIES: '0' });
  await guessAtOnce(() => attempt(service, { from: newAddress() }));
  expectLockedOut(await attempt(service, { from: newAddress() }));
});

test('who guesses with an API key is locked out whatever the phone and the address, other keys are not', async () => {
  const service = await start(perKey);
  const newKey = async () => {
    const { body } = await service.call('POST', '/v1/api-keys', { name: 'shop', scopes: ['redemptions:write'] });
    return body.key as string;
  };
  const [code = ''] = await makeCodes(service, 1);
  const key = await newKey();
  await guessAtOnce(() => attempt(service, { key, from: newAddress() }));
  expectLockedOut(await attempt(service, { key, code, from: newAddress() }));
  expect((await attempt(service, { key: await newKey(), code, from: newAddress() })).status).toBe(201);
});

test('a slip of the finger, seen by the check character, counts for the phone and locks out nobody else', async () => {
  const service = await start({ ...perAddress, ...perKey, ...perPhone });
  const from = newAddress();
  const phone = newPhone();
  const mistyped = () => {
    const code = wrongCode();
    return code.slice(0, -1) + (code.endsWith('0') ? '1' : '0');
  };
  for (let slip = 0; slip < 2 * FEW; slip++) {
    expect((await attempt(service, { code: mistyped(), from })).body.code).toBe('code-malformed');
  }
  for (let slip = 0; slip <= FEW; slip++) await attempt(service, { code: mistyped(), phone, from });
  expectLockedOut(await attempt(service, { phone, from }));
  expect((await attempt(service, { from })).body.code).toBe('code-not-found');
});

test.each(['/v1/code-checks', '/v1/codes/lookup'])('what %s is asked is a guess too', async (path) => {
  const service = await start({ VOUCHSAFE_WRONG_CODES_PER_ADDRESS: String(FEW) });
  await guessAtOnce(() => service.call('POST', path, { code: wrongCode() }));
  expectLockedOut(await service.call('POST', '/v1/code-checks', { code: wrongCode() }));
  expectLockedOut(await service.call('POST', '/v1/codes/lookup', { code: wrongCode() }));
});

test('refusals of a code that exists are no guesses', async () => {
  const service = await start(perPhone);
  const [code = ''] = await makeCodes(service, 1);
  const phone = newPhone();
  await attempt(service, { code });
  for (let again = 0; again < 2 * FEW; again++) {
    expect((await attempt(service, { code, phone })).body.code).toBe('code-already-redeemed');
  }
});

test('gateways share lock-outs by Redis, one that starts later learns of them, and none forgets them with Redis', async () => {
  const here = await start(perPhone, { shared: true });
  const there = await start(perPhone, { shared: true });
  const phone = newPhone();
  await guess(here, phone);
  await until(async () => (await attempt(there, { phone })).status === 429);
  const late = await start(perPhone, { shared: true });
  await until(async () => (await attempt(late, { phone })).status === 429);

  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  expectLockedOut(await attempt(there, { phone }));
  expectLockedOut(await attempt(late, { phone }));
});

test('Redis flushed, paused and killed under load: every redemption is right, none is refused, guesses are still counted', async () => {
  const service = await start({ ...perPhone, VOUCHSAFE_RATE_LIMIT: '1000000' }, { shared: true });
  const codes = await makeCodes(service, 240);
  const client = new Redis(redis.url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  client.on('error', () => undefined);
  const redeemSome = async (some: string[]) => {
    const answers = await Promise.all(some.map((code) => attempt(service, { code })));
    expect(answers.map(({ status }) => status)).toEqual(some.map(() => 201));
  };
  const load = redeemSome(codes.slice(0, 60));
  await client.flushall();
  await load;
  process.kill(redis.pid, 'SIGSTOP');
  await redeemSome(codes.slice(60, 120));
  process.kill(redis.pid, 'SIGCONT');
  await redeemSome(codes.slice(120, 180));
  await redis.kill();
  await redeemSome(codes.slice(180));
  const phone = newPhone();
  await guess(service, phone);
  expectLockedOut(await attempt(service, { phone }));
  await assertCoherent(world);

  redis = await startRedisIn(world, redis.port);
});

test('more requests a second than a client may send are refused, by all its gateways together', async () => {
  const settings = { VOUCHSAFE_RATE_LIMIT: '2' };
  const gateways = [await start(settings, { shared: true }), await start(settings, { shared: true })];
  const ask = (gateway: TestService | undefined) => gateway?.call('GET', '/v1/wallets');
  const refused = await until(async () => {
    const answers = await Promise.all(gateways.flatMap((gateway) => [ask(gateway), ask(gateway)]));
    return answers.find((answer) => answer?.status === 429);
  });
  expect(refused.body.code).toBe('rate-limited');
  expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThanOrEqual(1);
  await until(async () => (await ask(gateways[0]))?.status === 200);
});

import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { generateCodeText } from '../platform/code-text.ts';
import { startTemporal } from '../platform/local/index.ts';
import { type ProblemCode, problems } from '../platform/problems.ts';
import { breakDatabase } from './faults.ts';
import { type ApiAnswer, createWorld, forFile, makeCodes, makeCoupon, newPhone, startIn } from './harness.ts';

const world = await forFile(createWorld());
/** A Temporal of its own, to be stopped. */
const temporal = await startTemporal({ directory: join(world.home, 'temporal') });
afterAll(() => temporal.stop());
world.urls.temporal = temporal.address;
const service = await forFile(startIn(world, { VOUCHSAFE_START_TIMEOUT_MS: '3000' }));
/** Another gateway of the same service, that lets little pass. */
const strict = await forFile(
  startIn(world, {
    VOUCHSAFE_RATE_LIMIT: '5',
    VOUCHSAFE_WRONG_CODES_PER_ADDRESS: '1',
    VOUCHSAFE_FIRST_LOCKOUT_MS: '60000',
  }),
);

const usd = (value: number) => ({ value, currency: 'USD' });
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  service.call('POST', path, body, headers);
const redeem = (code: string | undefined, phone = newPhone(), headers: Record<string, string> = {}) =>
  post('/v1/redemptions', { code, phone }, headers);
const oneCode = async (group: Record<string, unknown> = {}) => (await makeCodes(service, 1, group))[0];
const codeId = async (code: string | undefined) => (await post('/v1/codes/lookup', { code })).body.id;
const walletOf = async (phone: string) => (await post('/v1/wallets', { phone })).body.id as string;
const credit = async (phone: string, value: number, headers: Record<string, string> = {}) =>
  post(`/v1/wallets/${await walletOrKnown(phone)}/credits`, { amount: usd(value) }, headers);
const walletOrKnown = async (phone: string) => (await walletOf(phone)) ?? encodeURIComponent(phone);
const wellFormed = () => generateCodeText(randomBytes);

/** How a client meets each problem. */
const provoke: Record<ProblemCode, () => Promise<ApiAnswer>> = {
  'invalid-request': () => redeem(wellFormed(), 'nobody'),
  unauthorized: () => service.call('GET', '/v1/wallets', undefined, { Authorization: 'Bearer wrong' }),
  forbidden: async () => {
    const { body } = await post('/v1/api-keys', { name: 'reader', scopes: ['wallets:read'] });
    return await post('/v1/wallets', { phone: newPhone() }, { Authorization: `Bearer ${body.key}` });
  },
  'not-found': () => service.call('GET', `/v1/code-groups/${randomUUID()}`),
  'code-not-found': () => redeem(wellFormed()),
  'wallet-not-found': () => service.call('GET', `/v1/wallets/${randomUUID()}`),
  'method-not-allowed': () => service.call('DELETE', '/v1/wallets'),
  'code-already-redeemed': async () => {
    const code = await oneCode();
    await redeem(code);
    return await redeem(code);
  },
  'code-reserved': async () => {
    const code = await oneCode();
    await world.giftCode.query('update codes set reserved = 1 where id = $1', [await codeId(code)]);
    return await redeem(code);
  },
  'code-exhausted': async () => {
    const coupon = await makeCoupon(service, 2);
    for (let use = 0; use < 2; use++) await redeem(coupon);
    return await redeem(coupon);
  },
  'code-disabled': async () => {
    const code = await oneCode();
    await service.call('PATCH', `/v1/codes/${await codeId(code)}`, { disabled: true });
    return await redeem(code);
  },
  'group-disabled': async () => {
    const code = await oneCode();
    const { body } = await post('/v1/codes/lookup', { code });
    await service.call('PATCH', `/v1/code-groups/${body.group.id}`, { disabled: true });
    return await redeem(code);
  },
  'code-not-started': async () => redeem(await oneCode({ starts_at: '2999-01-01T00:00:00Z' })),
  'code-expired': async () => redeem(await oneCode({ ends_at: '2020-01-01T00:00:00Z' })),
  'per-wallet-limit': async () => {
    const [first, second] = await makeCodes(service, 2, { per_wallet_limit: 1 });
    const phone = newPhone();
    await redeem(first, phone);
    return await redeem(second, phone);
  },
  'budget-exhausted': async () => {
    const [first, second] = await makeCodes(service, 2, { budget: usd(1_500) });
    await redeem(first);
    return await redeem(second);
  },
  'wallet-frozen': async () => {
    const phone = newPhone();
    await service.call('PATCH', `/v1/wallets/${await walletOf(phone)}`, { state: 'frozen' });
    return await redeem(await oneCode(), phone);
  },
  'wallet-exists': async () => {
    const phone = newPhone();
    await walletOf(phone);
    return await post('/v1/wallets', { phone });
  },
  'insufficient-funds': async () => post(`/v1/wallets/${await walletOf(newPhone())}/debits`, { amount: usd(1) }),
  'balance-limit': async () => {
    const phone = newPhone();
    await credit(phone, Number.MAX_SAFE_INTEGER);
    return await redeem(await oneCode(), phone);
  },
  'currency-mismatch': async () =>
    post(`/v1/wallets/${await walletOf(newPhone())}/credits`, { amount: { value: 1, currency: 'EUR' } }),
  'reference-reused': async () => {
    const wallet = await walletOf(newPhone());
    const body = { amount: usd(1), reference: randomUUID() };
    await post(`/v1/wallets/${wallet}/credits`, body);
    return await post(`/v1/wallets/${wallet}/credits`, body);
  },
  conflict: async () => {
    const { body } = await redeem(await oneCode());
    return await post(`/v1/redemptions/${body.id}/abort`, { reason: 'too late' });
  },
  'payload-too-large': () => post('/v1/wallets', { phone: newPhone(), unknown: 'x'.repeat(1_100_000) }),
  'unsupported-media-type': () => post('/v1/wallets', { phone: newPhone() }, { 'Content-Type': 'text/plain' }),
  'code-malformed': () => redeem(wellFormed().replace(/.$/, (last) => (last === '0' ? '1' : '0'))),
  'idempotency-key-reused': async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    await redeem(await oneCode(), newPhone(), headers);
    return await redeem(await oneCode(), newPhone(), headers);
  },
  'too-many-attempts': async () => {
    const guess = () => strict.call('POST', '/v1/code-checks', { code: wellFormed() });
    return await firstWith(429, guess, 'too-many-attempts');
  },
  'rate-limited': () => firstWith(429, () => strict.call('GET', '/v1/wallets'), 'rate-limited'),
  unavailable: async () => {
    await breakDatabase(world, 'gift_code');
    return await service.call('GET', '/v1/code-groups');
  },
  'outcome-unknown': async () => {
    const code = await oneCode();
    process.kill(temporal.pid, 'SIGSTOP');
    try {
      return await redeem(code, newPhone(), { Prefer: 'wait=20' });
    } finally {
      process.kill(temporal.pid, 'SIGCONT');
    }
  },
  'internal-error': async () => {
    const id = await codeId(await oneCode());
    // What nobody can have done by the API: a seal that was not made for this code.
    await world.giftCode.query(`update codes set sealed = '\\x00' where id = $1`, [id]);
    return await service.call('GET', `/v1/codes/${id}`);
  },
};

async function firstWith(status: number, ask: () => Promise<ApiAnswer>, code: ProblemCode): Promise<ApiAnswer> {
  for (;;) {
    const answer = await ask();
    if (answer.status === status && answer.body.code === code) return answer;
  }
}

describe.each(Object.keys(problems) as ProblemCode[])('%s', (code) => {
  const [status, title, remedy] = problems[code];

  test('is what a client meets, as the catalogue says it', async () => {
    const answer = await provoke[code]();
    expect(answer.headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
    expect(answer.headers.get('Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
    expect({ http: answer.status, ...answer.body }).toMatchObject({ http: status, status, code, title });
    expect(answer.body.type).toMatch(new RegExp(`/errors/${code}$`));
    if (status === 429 || status === 503) expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/);
  });

  test('has a page of its cause and remedy, and is in the OpenAPI document', async () => {
    const page = await fetch(`${service.url}/errors/${code}`);
    expect(page.status).toBe(200);
    const text = (await page.text())
      .replaceAll('&#39;', "'")
      .replaceAll('&quot;', '"')
      .replaceAll(/<\/?code>/g, '`');
    for (const words of [title, remedy.split('`')[0] ?? '']) expect(text).toContain(words);
    const { body: document } = await service.call('GET', '/openapi.json');
    expect(document.components.schemas.Problem.properties.code.enum).toContain(code);
    const described = Object.values<Record<string, { responses: Record<string, { description: string }> }>>(
      document.paths,
    )
      .flatMap((operations) => Object.values(operations))
      .map(({ responses }) => responses[String(status)]?.description ?? '');
    const isOfServer = code === 'method-not-allowed' || code === 'internal-error';
    expect(described.some((description) => description.includes(`/errors/${code}`))).toBe(!isOfServer);
  });
});

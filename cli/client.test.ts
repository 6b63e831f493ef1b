import { afterEach, describe, expect, test } from 'vitest';
import { createClient, path } from './client.ts';
import { CliError } from './errors.ts';
import { problem, type Received, type Reply, startApi } from './testing.ts';

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

async function api(routes: Record<string, Reply | ((request: Received) => Reply | 'hang up')>) {
  const server = await startApi(routes);
  close = server.close;
  return { client: createClient({ url: server.url, key: 'secret' }), received: server.received };
}

/** Fails in the given way first, then answers. */
function failing(times: number, failure: Reply | 'hang up') {
  let left = times;
  return () => (left-- > 0 ? failure : { status: 200, body: { done: true } });
}

const unavailable = problem(503, 'unavailable', 'Unavailable');

describe('a request that is safe to repeat', () => {
  test.each([
    ['the connection breaks', 'hang up' as const],
    ['the server is unavailable', unavailable],
    ['the outcome is unknown', problem(504, 'outcome-unknown', 'Outcome unknown')],
    ['there are too many for a moment', problem(429, 'rate-limited', 'Too many requests')],
  ])('is repeated under its key when %s', async (_, failure) => {
    const { client, received } = await api({ 'POST /v1/redemptions': failing(2, failure) });
    const options = { body: { code: 'A' }, idempotencyKey: 'k-1' };
    await expect(client.request('POST', '/v1/redemptions', options)).resolves.toEqual({ done: true });
    expect(received.map(({ headers }) => headers['idempotency-key'])).toEqual(['k-1', 'k-1', 'k-1']);
  });

  test('is given up after three repeats, and the error tells the key', async () => {
    const { client, received } = await api({ 'POST /v1/redemptions': unavailable });
    await expect(client.request('POST', '/v1/redemptions', { idempotencyKey: 'k-2' })).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringContaining('--idempotency-key k-2'),
    });
    expect(received).toHaveLength(4);
  });

  test('that may have arrived before the server went away tells its key', async () => {
    const server = await startApi({
      'POST /v1/redemptions': () => {
        void server.close();
        return 'hang up';
      },
    });
    const client = createClient({ url: server.url, key: undefined });
    await expect(client.request('POST', '/v1/redemptions', { idempotencyKey: 'k-3' })).rejects.toMatchObject({
      message: expect.stringMatching(/^no Vouchsafe at .*--idempotency-key k-3$/),
    });
  });

  test('is not repeated where somebody is locked out for longer', async () => {
    const lockedOut = problem(429, 'too-many-attempts', 'Too many attempts');
    const { client, received } = await api({
      'POST /v1/redemptions': { ...lockedOut, headers: { 'Retry-After': '30' } },
    });
    await expect(client.request('POST', '/v1/redemptions', { idempotencyKey: 'k' })).rejects.toBeInstanceOf(CliError);
    expect(received).toHaveLength(1);
  });

  test('is not repeated after a refusal', async () => {
    const { client, received } = await api({ 'POST /v1/redemptions': problem(409, 'code-expired', 'Code expired') });
    await expect(client.request('POST', '/v1/redemptions', { idempotencyKey: 'k' })).rejects.toBeInstanceOf(CliError);
    expect(received).toHaveLength(1);
  });
});

test('a POST without a key is sent once, whatever happens to it', async () => {
  const { client, received } = await api({ 'POST /v1/things': unavailable });
  await expect(client.request('POST', '/v1/things')).rejects.toMatchObject({ exitCode: 5 });
  expect(received).toHaveLength(1);
});

test('the key, the preference and JSON are sent as the contract has them', async () => {
  const { client, received } = await api({ 'POST /v1/redemptions': { status: 201, body: {} } });
  await client.request('POST', '/v1/redemptions', { body: { code: 'A' }, waitSeconds: 7, idempotencyKey: 'k' });
  expect(received[0]).toMatchObject({
    headers: { authorization: 'Bearer secret', prefer: 'wait=7', 'content-type': 'application/json' },
    body: '{"code":"A"}',
  });
});

test('a list follows the cursor until it has what was asked for', async () => {
  const { client, received } = await api({
    'GET /v1/wallets': ({ url }) => {
      const query = new URL(url, 'http://x').searchParams;
      const start = Number(query.get('cursor') ?? 0);
      const end = Math.min(start + Number(query.get('limit')), 450);
      const items = Array.from({ length: end - start }, (_, index) => start + index);
      return { status: 200, body: { items, next_cursor: end < 450 ? String(end) : null } };
    },
  });
  expect((await client.list('/v1/wallets', { phone: '+98' }, Infinity)).items).toHaveLength(450);
  expect(received.map(({ url }) => url)).toEqual([
    '/v1/wallets?phone=%2B98&limit=200',
    '/v1/wallets?phone=%2B98&limit=200&cursor=200',
    '/v1/wallets?phone=%2B98&limit=200&cursor=400',
  ]);
  const some = await client.list('/v1/wallets', {}, 250);
  expect(some.items).toHaveLength(250);
  expect(some.next_cursor).toBe('250');
});

test('an answer that is no JSON, or no list, is another server, not a crash', async () => {
  const { client } = await api({
    'GET /v1/wallets': { status: 200, body: '<html>' },
    'GET /v1/api-keys': { status: 200, body: {} },
  });
  await expect(client.request('GET', '/v1/wallets')).rejects.toMatchObject({ exitCode: 5 });
  await expect(client.list('/v1/api-keys', {}, 1)).rejects.toMatchObject({ exitCode: 5 });
});

test('a value in a path reaches no other resource', () => {
  expect(path`/v1/wallets/${'+98912'}`).toBe('/v1/wallets/%2B98912');
  expect(path`/v1/wallets/${'a/../b?c'}/credits`).toBe('/v1/wallets/a%2F..%2Fb%3Fc/credits');
  for (const value of ['', '.', '..']) expect(() => path`/v1/wallets/${value}`).toThrow(CliError);
});

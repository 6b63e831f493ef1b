import { randomBytes, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Config, readConfig } from '../platform/config.ts';
import { problems } from '../platform/problems.ts';
import { dump } from '../test/database.ts';
import { ADMIN_KEY, createWorld, forFile, makeCodes, newPhone, startIn } from '../test/harness.ts';
import { operations } from './routes/index.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));
/** What there is, for requests that would be right but for one thing. */
const there = {
  group: '',
  code: '',
  codeId: '',
  wallet: '',
  phone: newPhone(),
  redemption: '',
  key: '',
  endpoint: '',
  delivery: '',
  reconciliation: '',
};

beforeAll(async () => {
  const [used, second, code = ''] = await makeCodes(service, 5);
  const redemption = await service.call('POST', '/v1/redemptions', { code: used, phone: there.phone });
  await service.call('POST', '/v1/redemptions', { code: second, phone: newPhone() });
  there.redemption = redemption.body.id;
  there.group = redemption.body.code.group_id;
  there.wallet = redemption.body.wallet.id;
  there.code = code;
  there.codeId = (await service.call('POST', '/v1/codes/lookup', { code })).body.id;
  for (let index = 0; index < 3; index++) {
    const key = await service.call('POST', '/v1/api-keys', { name: 'till', scopes: ['groups:read'] });
    there.key = key.body.id;
    await makeCodes(service, 1);
    await service.call('POST', '/v1/wallets', { phone: newPhone() });
    await service.call('POST', `/v1/wallets/${there.wallet}/credits`, { amount: { value: 5, currency: 'USD' } });
    const endpoint = await service.call('POST', '/v1/webhook-endpoints', {
      url: 'https://hooks.example/',
      event_types: ['code_group.generated'],
    });
    there.endpoint = endpoint.body.id;
    const proof = await service.call('POST', '/v1/reconciliations', {}, { Prefer: 'wait=30' });
    there.reconciliation = proof.body.id;
    // Nothing is sent, so that nothing changes while requests are tried.
    await service.call('PATCH', `/v1/webhook-endpoints/${there.endpoint}`, { disabled: true });
    const delivery = await world.gateway.query(
      `insert into webhook_deliveries (endpoint_id, event_id, event_type, body) select $1, n, 'code_group.generated', '{}'
       from generate_series(1, 3) n returning id`,
      [there.endpoint],
    );
    there.delivery = delivery.rows[0].id;
  }
});

/** What relays and the sweeper write by themselves. */
const OWN_WRITES = [
  'public.outbox_batches',
  'public.sweep_marks',
  'public.rollups',
  'public.rollup_quarters',
  'public.rollup_redeemers',
  'public.rollup_uses',
  'public.rollup_blocks',
];

/** Bad input changes nothing: the databases are the same after each test, but for the marks of relay and sweeper. */
async function state(): Promise<string[]> {
  const lines = await Promise.all(
    [world.giftCode, world.wallet].map(async (pool) => {
      const { rows } = await pool.query('select sequence, type from outbox');
      const tables = await dump(pool, OWN_WRITES);
      return [...Object.values(tables).flat(), ...rows.map(({ sequence, type }) => `${sequence} ${type}`)];
    }),
  );
  // To reveal codes is no change, and is written down.
  const { rows } = await world.gateway.query(`select id, action from audit_log where action <> 'code.reveal'`);
  const keys = await dump(world.gateway, ['public.audit_log']);
  return [...lines.flat(), ...Object.values(keys).flat(), ...rows.map(({ id, action }) => `${id} ${action}`)];
}
let before: string[];
beforeEach(async () => {
  before = await state();
});
afterEach(async () => {
  const known = new Set(before);
  const after = await state();
  expect(after.filter((line) => !known.has(line))).toEqual([]);
  expect(after).toHaveLength(before.length);
});

interface Sent {
  method?: string;
  path: string;
  /** Anything but text and bytes is sent as JSON. */
  body?: unknown;
  headers?: Record<string, string | undefined>;
}

interface Got {
  status: number;
  headers: Headers;
  text: string;
}

async function send({ method = 'GET', path, body, headers = {} }: Sent): Promise<Got> {
  const all: Record<string, string | undefined> = {
    Authorization: `Bearer ${ADMIN_KEY}`,
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
    ...headers,
  };
  const response = await fetch(service.url + path, {
    method,
    headers: Object.entries(all).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
    ...(body !== undefined && {
      body: typeof body === 'string' || body instanceof Buffer ? (body as string) : JSON.stringify(body),
    }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The answer is a problem as RFC 9457 and the contract have it, and tells nothing of our insides. */
function problemOf({ status, headers, text }: Got) {
  expect(status, text).not.toBe(500);
  expect(headers.get('Content-Type'), text).toMatch(/^application\/problem\+json/);
  expect(headers.get('Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
  const problem = JSON.parse(text);
  expect(Object.keys(problems)).toContain(problem.code);
  const [known, title] = problems[problem.code as keyof typeof problems];
  expect(problem).toMatchObject({ type: `${service.url}/errors/${problem.code}`, title, status });
  expect(status).toBe(known);
  expect(text).not.toMatch(/node_modules|at \w+ \(|\.ts:|select |insert |postgres/i);
  return problem;
}

async function refused(sent: Sent, ...codes: string[]) {
  const got = await send(sent);
  const problem = problemOf(got);
  const told = `${sent.method ?? 'GET'} ${sent.path} ${String(JSON.stringify(sent.body)).slice(0, 200)}: ${got.text}`;
  expect(codes, told).toContain(problem.code);
  if (problem.code === 'invalid-request') {
    expect(problem.errors, told).not.toEqual([]);
    for (const error of problem.errors) {
      expect(error).toEqual({ pointer: expect.any(String), detail: expect.any(String) });
    }
  }
  return problem;
}

const all = operations(readConfig({}) satisfies Config);
const money = { value: 100, currency: 'USD' };

/** A request that each operation would take. */
const good: Record<string, () => { path: string; body?: Record<string, unknown> }> = {
  'POST /v1/redemptions': () => ({
    path: '/v1/redemptions',
    body: { code: there.code, phone: there.phone, reference: 'order-7' },
  }),
  'GET /v1/redemptions': () => ({ path: '/v1/redemptions' }),
  'GET /v1/redemptions/{id}': () => ({ path: `/v1/redemptions/${there.redemption}` }),
  'GET /v1/redemptions/{id}/timeline': () => ({ path: `/v1/redemptions/${there.redemption}/timeline` }),
  'POST /v1/redemptions/{id}/abort': () => ({
    path: `/v1/redemptions/${there.redemption}/abort`,
    body: { reason: 'a mistake' },
  }),
  'POST /v1/redemptions/{id}/reverse': () => ({
    path: `/v1/redemptions/${there.redemption}/reverse`,
    body: { reason: 'a refund', code: 'free' },
  }),
  'POST /v1/redemptions/{id}/retry': () => ({
    path: `/v1/redemptions/${there.redemption}/retry`,
    body: { reason: 'healed' },
  }),
  'POST /v1/redemptions/retry': () => ({ path: '/v1/redemptions/retry', body: { step: 'credit' } }),
  'POST /v1/code-groups': () => ({
    path: '/v1/code-groups',
    body: {
      name: 'Eid',
      amount: money,
      count: 2,
      prefix: 'EID',
      starts_at: '2026-01-31T08:00:00Z',
      ends_at: '2026-02-28T08:00:00+03:30',
      per_wallet_limit: 1,
      budget: money,
      metadata: { channel: 'sms' },
    },
  }),
  'GET /v1/code-groups': () => ({ path: '/v1/code-groups' }),
  'GET /v1/code-groups/{id}': () => ({ path: `/v1/code-groups/${there.group}` }),
  'GET /v1/code-groups/{id}/stats': () => ({ path: `/v1/code-groups/${there.group}/stats` }),
  'GET /v1/code-groups/{id}/codes': () => ({ path: `/v1/code-groups/${there.group}/codes` }),
  'GET /v1/codes/{id}': () => ({ path: `/v1/codes/${there.codeId}` }),
  'PATCH /v1/code-groups/{id}': () => ({
    path: `/v1/code-groups/${there.group}`,
    body: {
      name: 'Eid',
      starts_at: '2026-01-31T08:00:00Z',
      ends_at: '2026-02-28T08:00:00+03:30',
      per_wallet_limit: 1,
      budget: { value: 1_000_000, currency: 'USD' },
      disabled: true,
      metadata: { channel: 'sms' },
    },
  }),
  'POST /v1/code-groups/{id}/cancel-generation': () => ({
    path: `/v1/code-groups/${there.group}/cancel-generation`,
  }),
  'POST /v1/code-groups/{id}/codes': () => ({ path: `/v1/code-groups/${there.group}/codes`, body: { count: 2 } }),
  'GET /v1/code-groups/{id}/codes.csv': () => ({ path: `/v1/code-groups/${there.group}/codes.csv` }),
  'GET /v1/code-groups/{id}/redeemers': () => ({ path: `/v1/code-groups/${there.group}/redeemers` }),
  'POST /v1/code-checks': () => ({
    path: '/v1/code-checks',
    body: { code: there.code, phone: there.phone, at: '2026-01-31T08:00:00Z' },
  }),
  'PATCH /v1/codes/{id}': () => ({ path: `/v1/codes/${there.codeId}`, body: { disabled: true } }),
  'PATCH /v1/wallets/{wallet}': () => ({ path: `/v1/wallets/${there.wallet}`, body: { state: 'frozen' } }),
  'POST /v1/codes/lookup': () => ({ path: '/v1/codes/lookup', body: { code: there.code } }),
  'POST /v1/wallets': () => ({ path: '/v1/wallets', body: { phone: '+989120000000', currency: 'USD' } }),
  'GET /v1/wallets': () => ({ path: '/v1/wallets' }),
  'GET /v1/wallets/{wallet}': () => ({ path: `/v1/wallets/${there.wallet}` }),
  'POST /v1/wallets/{wallet}/credits': () => ({
    path: `/v1/wallets/${there.wallet}/credits`,
    body: { amount: money, reference: 'order-7', note: 'for the delay' },
  }),
  'POST /v1/wallets/{wallet}/debits': () => ({
    path: `/v1/wallets/${there.wallet}/debits`,
    body: { amount: money, reference: 'order-7', note: 'for the delay' },
  }),
  'GET /v1/wallets/{wallet}/transactions': () => ({ path: `/v1/wallets/${there.wallet}/transactions` }),
  'POST /v1/api-keys': () => ({ path: '/v1/api-keys', body: { name: 'till', scopes: ['redemptions:write'] } }),
  'GET /v1/api-keys': () => ({ path: '/v1/api-keys' }),
  'GET /v1/api-keys/{id}': () => ({ path: `/v1/api-keys/${there.key}` }),
  'POST /v1/api-keys/{id}/rotate': () => ({ path: `/v1/api-keys/${there.key}/rotate` }),
  'DELETE /v1/api-keys/{id}': () => ({ path: `/v1/api-keys/${there.key}` }),
  'GET /v1/audit-log': () => ({ path: '/v1/audit-log' }),
  'POST /v1/webhook-endpoints': () => ({
    path: '/v1/webhook-endpoints',
    body: { url: 'https://hooks.example/', event_types: ['code_group.generated', 'redemption.completed'] },
  }),
  'GET /v1/webhook-endpoints': () => ({ path: '/v1/webhook-endpoints' }),
  'GET /v1/webhook-endpoints/{id}': () => ({ path: `/v1/webhook-endpoints/${there.endpoint}` }),
  'PATCH /v1/webhook-endpoints/{id}': () => ({
    path: `/v1/webhook-endpoints/${there.endpoint}`,
    body: { url: 'https://hooks.example/other', event_types: ['*'], disabled: false },
  }),
  'DELETE /v1/webhook-endpoints/{id}': () => ({ path: `/v1/webhook-endpoints/${there.endpoint}` }),
  'POST /v1/webhook-endpoints/{id}/test': () => ({ path: `/v1/webhook-endpoints/${there.endpoint}/test` }),
  'POST /v1/webhook-endpoints/{id}/rotate-secret': () => ({
    path: `/v1/webhook-endpoints/${there.endpoint}/rotate-secret`,
  }),
  'GET /v1/webhook-endpoints/{id}/deliveries': () => ({ path: `/v1/webhook-endpoints/${there.endpoint}/deliveries` }),
  'GET /v1/webhook-deliveries/{id}': () => ({ path: `/v1/webhook-deliveries/${there.delivery}` }),
  'POST /v1/webhook-deliveries/{id}/retry': () => ({ path: `/v1/webhook-deliveries/${there.delivery}/retry` }),
  'GET /v1/diagnostics': () => ({ path: '/v1/diagnostics' }),
  'GET /v1/outbox': () => ({ path: '/v1/outbox' }),
  'POST /v1/outbox/replay': () => ({
    path: '/v1/outbox/replay',
    body: { part: 'wallet', from: '2020-01-31T08:00:00Z', to: '2020-02-28T08:00:00+03:30' },
  }),
  'POST /v1/reconciliations': () => ({ path: '/v1/reconciliations' }),
  'GET /v1/reconciliations': () => ({ path: '/v1/reconciliations' }),
  'GET /v1/reconciliations/{id}': () => ({ path: `/v1/reconciliations/${there.reconciliation}` }),
};
const allNames = all.map(({ method, path }) => `${method} ${path}`);
/** Those tried here; the first test tells which are not. */
const names = allNames.filter((name) => name in good);
const example = (name: string): { method: string; path: string; body?: Record<string, unknown> } => {
  const request = good[name]?.();
  if (!request) throw new Error(`there is no example of ${name}`);
  return { method: name.split(' ')[0] ?? '', ...request };
};
const readers = names.filter((name) => name.startsWith('GET '));
const writers = names.filter((name) => !name.startsWith('GET '));
/** The members that a request must have. */
const required: Record<string, string[]> = {
  'POST /v1/redemptions': ['code', 'phone'],
  'POST /v1/redemptions/{id}/abort': ['reason'],
  'POST /v1/redemptions/{id}/reverse': ['reason', 'code'],
  'POST /v1/redemptions/retry': ['step'],
  'POST /v1/code-checks': ['code'],
  'POST /v1/code-groups': ['name', 'amount', 'count'],
  'POST /v1/code-groups/{id}/codes': ['count'],
  'POST /v1/codes/lookup': ['code'],
  'PATCH /v1/codes/{id}': ['disabled'],
  'POST /v1/wallets': ['phone'],
  'PATCH /v1/wallets/{wallet}': ['state'],
  'POST /v1/wallets/{wallet}/credits': ['amount'],
  'POST /v1/wallets/{wallet}/debits': ['amount'],
  'POST /v1/api-keys': ['name', 'scopes'],
  'POST /v1/webhook-endpoints': ['url', 'event_types'],
  'POST /v1/outbox/replay': ['part', 'from', 'to'],
};
const lists = [
  'GET /v1/redemptions',
  'GET /v1/code-groups',
  'GET /v1/code-groups/{id}/codes',
  'GET /v1/code-groups/{id}/redeemers',
  'GET /v1/wallets',
  'GET /v1/wallets/{wallet}/transactions',
  'GET /v1/api-keys',
  'GET /v1/audit-log',
  'GET /v1/webhook-endpoints',
  'GET /v1/webhook-endpoints/{id}/deliveries',
  'GET /v1/reconciliations',
];

test('every operation is tried here', () => {
  expect(Object.keys(good).sort()).toEqual(allNames.toSorted());
});

describe('without the right key nobody learns what exists', () => {
  const keys: [string, string | undefined][] = [
    ['no key', undefined],
    ['an empty one', ''],
    ['a wrong one', 'Bearer not-the-admin-key-0123456789'],
    ['the right one and a bit', `Bearer ${ADMIN_KEY}0`],
    ['the beginning of the right one', `Bearer ${ADMIN_KEY.slice(0, -1)}`],
    ['another scheme', `Basic ${btoa(`admin:${ADMIN_KEY}`)}`],
    ['no scheme', ADMIN_KEY],
    ['two keys', `Bearer ${ADMIN_KEY} ${ADMIN_KEY}`],
    ['a very long one', `Bearer ${'k'.repeat(5_000)}`],
    ['characters that are none', 'Bearer \u00e9\u00e9\u00e9\u00e9'],
  ];
  const ask = async (sent: Sent) => {
    const got = await send(sent);
    expect(problemOf(got)).toEqual({
      type: `${service.url}/errors/unauthorized`,
      title: 'No valid API key was sent',
      status: 401,
      code: 'unauthorized',
    });
    expect(got.headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
  };

  test.each(keys)('%s', async (_, Authorization) => {
    for (const name of names) await ask({ ...example(name), headers: { Authorization } });
  });

  test('the same for what does not exist, is not known, or is sent wrongly', async () => {
    const headers = { Authorization: undefined };
    for (const path of [
      `/v1/redemptions/${randomUUID()}`,
      `/v1/wallets/${randomUUID()}`,
      `/v1/code-groups/${randomUUID()}`,
      '/v1',
      '/v1/',
      '/v1/nothing',
      '/v1/wallets/%ZZ',
      '/v1/wallets/%00',
      '/v1/redemptions/not-an-id',
      '/v1/redemptions?limit=abc',
    ]) {
      await ask({ path, headers });
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      await ask({ method, path: '/v1/wallets', headers });
    await ask({ method: 'POST', path: '/v1/wallets', body: '{', headers });
    await ask({
      method: 'POST',
      path: '/v1/wallets',
      body: 'x',
      headers: { ...headers, 'Content-Type': 'text/plain' },
    });
    await ask({ method: 'POST', path: '/v1/wallets', body: ' '.repeat(1_200_000), headers });
  });

  test('a path written otherwise is no way around the key', async () => {
    const known = [`/wallets/${there.wallet}`, '/wallets', '/redemptions', `/code-groups/${there.group}/codes`];
    for (const path of known) {
      for (const prefix of [
        '/V1',
        '/%761',
        '/v%31',
        '//v1',
        '/./v1',
        '/x/../v1',
        '/v1/.',
        '/v1;x=1',
        '/v1%2F..%2Fv1',
      ]) {
        const { status, text } = await sendRaw(`GET ${prefix}${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        expect([401, 404], `${prefix}${path}: ${text}`).toContain(status);
      }
    }
    const post = JSON.stringify({ phone: '+989120000000' });
    const { status } = await sendRaw(
      `POST /V1/wallets HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${post.length}\r\n\r\n${post}`,
    );
    expect([401, 404]).toContain(status);
  });
});

describe.each(writers)('%s', (name) => {
  test('takes nothing that is not a JSON object', async () => {
    const { method, path } = example(name);
    const bodies = [' ', 'null', '[]', '[{}]', '"text"', '1', 'true', '{', '{"a":}', "{'a':1}", 'NaN', '\u0000', '{}x'];
    for (const body of bodies) await refused({ method, path, body }, 'invalid-request');
    // Nothing to change is a change that is done.
    if (!required[name]) return;
    for (const body of [undefined, '', {}]) await refused({ method, path, body }, 'invalid-request');
  });

  test('takes no member it does not know, and needs the ones it must have', async () => {
    const { method, path, body = {} } = example(name);
    for (const member of ['unknown', 'constructor', 'toString', 'Amount', '', 'a/b~c', '\ud800', 'x'.repeat(10_000)]) {
      const problem = await refused({ method, path, body: { ...body, [member]: 1 } }, 'invalid-request');
      expect(problem.errors[0].detail).toBe('is not a member of this request');
    }
    const json = JSON.stringify(body).slice(0, -1);
    await refused({ method, path, body: `${json},"__proto__":{"admin":true}}` }, 'invalid-request');
    await refused({ method, path, body: `${json},"__proto__":null}` }, 'invalid-request');
    for (const member of required[name] ?? []) {
      await refused({ method, path, body: { ...body, [member]: undefined } }, 'invalid-request');
    }
  });

  test('takes no nesting without end', async () => {
    const { method, path, body = {} } = example(name);
    for (const depth of [100, 5_000, 100_000]) {
      const lists = '['.repeat(depth) + ']'.repeat(depth);
      const objects = '{"a":'.repeat(depth) + 1 + '}'.repeat(depth);
      for (const nested of [lists, objects]) {
        await refused({ method, path, body: nested }, 'invalid-request');
        await refused({ method, path, body: `{"unknown":${nested}}` }, 'invalid-request');
        for (const member of Object.keys(body).filter((known) => known !== 'metadata')) {
          const others = JSON.stringify({ ...body, [member]: undefined }).slice(0, -1);
          const comma = others === '{' ? '' : ',';
          await refused({ method, path, body: `${others}${comma}"${member}":${nested}}` }, 'invalid-request');
        }
      }
    }
  });

  test('takes nothing but JSON, in UTF-8, of a reasonable size', async () => {
    const { method, path, body = {} } = example(name);
    const json = JSON.stringify(body);
    const types = [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'json',
      '',
    ];
    for (const type of types) {
      await refused(
        { method, path, body: Buffer.from(json), headers: { 'Content-Type': type } },
        'unsupported-media-type',
      );
    }
    await refused(
      { method, path, body: Buffer.from(json), headers: { 'Content-Type': undefined } },
      'unsupported-media-type',
    );
    for (const bytes of [Buffer.from(json), Buffer.from(json, 'utf16le')]) {
      await refused(
        { method, path, body: bytes, headers: { 'Content-Type': 'application/json; charset=utf-16' } },
        'unsupported-media-type',
      );
    }
    for (const coding of ['br2', 'compress']) {
      await refused({ method, path, body: json, headers: { 'Content-Encoding': coding } }, 'unsupported-media-type');
    }
    for (const [coding, bytes] of [
      ['gzip', Buffer.from(json)],
      ['gzip', gzipSync(json).subarray(0, -9)],
      ['deflate', deflateSync(json).subarray(2, 9)],
    ] as const) {
      await refused({ method, path, body: bytes, headers: { 'Content-Encoding': coding } }, 'invalid-request');
    }
    const large = JSON.stringify({ ...body, unknown: 'x'.repeat(1_100_000) });
    await refused({ method, path, body: large }, 'payload-too-large');
    await refused(
      { method, path, body: gzipSync(large), headers: { 'Content-Encoding': 'gzip' } },
      'payload-too-large',
    );
  });

  test('takes no bytes that are not UTF-8: a text would be kept otherwise than it was sent', async () => {
    const { method, path, body = {} } = example(name);
    for (const [member, value] of Object.entries(body).filter(([, value]) => typeof value === 'string')) {
      for (const bytes of [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]]) {
        const [start = '', end = ''] = JSON.stringify({ ...body, [member]: `${value}\u0001` }).split('\\u0001');
        const sent = Buffer.concat([Buffer.from(start), Buffer.from(bytes), Buffer.from(end)]);
        await refused({ method, path, body: sent }, 'invalid-request', 'code-malformed');
      }
    }
  });

  test('takes no header it cannot read', async () => {
    const request = example(name);
    const operation = all[allNames.indexOf(name)];
    if (operation?.idempotent) {
      for (const key of ['', 'k'.repeat(256), 'a\tb', 'caf\u00e9']) {
        await refused({ ...request, headers: { 'Idempotency-Key': key } }, 'invalid-request');
      }
    }
    for (const wait of ['wait=31', 'wait=-1', 'wait=1.5', 'wait=abc', 'wait=', 'respond-async, wait=1e1']) {
      await refused({ ...request, headers: { Prefer: wait } }, 'invalid-request');
    }
  });
});

const isSome = (value: unknown) => value !== null;
const NOT_TEXT: unknown[] = [null, true, 1, 1.5, [], ['a'], {}, { toString: 'a' }];
const BAD_TEXT = ['', 'x'.repeat(10_000), 'a\u0000b', 'a\u001bb', 'a\u0085', 'a\ud800', '\udc00a'];
const NOT_INTEGER: unknown[] = [null, true, '1', [], {}, 1.5, -1, 0, 2 ** 53, 1e300, Number.MIN_VALUE];
const BAD_MONEY = [
  null,
  1,
  '100 USD',
  [100, 'USD'],
  {},
  { value: 100 },
  { currency: 'USD' },
  { ...money, unit: 'cents' },
  ...[...NOT_INTEGER, 2 ** 53 + 2].map((value) => ({ value, currency: 'USD' })),
  ...[null, 1, '', 'usd', 'US', 'USDX', 'XXX', 'ZZZ', 'U\u0000D', '\u00dc\u00dc\u00dc', []].map((currency) => {
    return { value: 100, currency };
  }),
];
const BAD_PHONE = [
  ...NOT_TEXT,
  ...BAD_TEXT,
  ...[
    '989',
    '+',
    '+0',
    '+98',
    '09121234567',
    '+98912123456',
    '+9891212345678901',
    '+98912123456x',
    'tel:+989121234567',
  ],
  ...['+989121234567;ext=1', '+98 912 123 45 67 ext 5', '+1\ud83d\ude00', '++989121234567', `+${'9'.repeat(63)}`],
];
const BAD_TIME = [
  ...NOT_TEXT,
  ...[
    '',
    'tomorrow',
    '2026-01-31',
    '2026-01-31T08:00:00',
    '2026-02-30T08:00:00Z',
    '2026-01-31 08:00:00Z',
    '1769846400',
  ],
  ...['+010000-01-01T00:00:00Z', '10000-01-01T00:00:00Z', '9999-12-31T23:59:59-01:00', '1969-12-31T23:59:59Z'],
  ...['0000-01-01T00:00:00Z', '2026-01-31T25:00:00Z', '2026-01-31T08:00:00+99:00', '2026-01-31T08:00:00Z\u0000'],
];

const BAD_URL = [
  ...NOT_TEXT,
  ...['', ' ', 'x', 'example.com', '//example.com', 'http://example.com/', 'ftp://example.com/', 'file:///etc/passwd'],
  ...['https://', 'https://a b/', 'https://\u0000/', 'https://user:word@example.com/', 'https://example.com/#there'],
  ...['https://127.0.0.1/', 'https://[::1]/', 'https://0x7f.1/', 'https://169.254.169.254/', 'https://10.0.0.1/'],
  `https://example.com/${'x'.repeat(2_000)}`,
];
const BAD_EVENT_TYPES = [
  ...[null, {}, '*', [], [''], ['redemption'], ['redemption.*'], ['REDEMPTION.COMPLETED'], ['*', 1], [['*']]],
  Array(17).fill('*'),
];

describe('a member of the wrong kind, of', () => {
  const bad: Record<string, Record<string, unknown[]>> = {
    'POST /v1/redemptions': {
      code: [...NOT_TEXT, '', 'x'.repeat(10_000)],
      phone: BAD_PHONE,
      reference: [...NOT_TEXT, ...BAD_TEXT, 'x'.repeat(256)],
    },
    'POST /v1/redemptions/{id}/retry': { reason: [...NOT_TEXT, ...BAD_TEXT, 'x'.repeat(201)] },
    'POST /v1/redemptions/retry': { step: [...NOT_TEXT, '', 'queue', 'CREDIT', 'x'.repeat(10_000)] },
    'POST /v1/redemptions/{id}/reverse': {
      reason: [...NOT_TEXT, ...BAD_TEXT, 'x'.repeat(201)],
      code: [...NOT_TEXT, '', 'FREE', 'keep'],
    },
    'POST /v1/redemptions/{id}/abort': { reason: [...NOT_TEXT, ...BAD_TEXT, 'x'.repeat(201)] },
    'POST /v1/code-groups': {
      name: [...NOT_TEXT, ...BAD_TEXT, ' ', 'x'.repeat(201)],
      amount: BAD_MONEY,
      count: [...NOT_INTEGER, 1_000_001],
      prefix: [...NOT_TEXT, ...BAD_TEXT, ' ', 'A-B', 'A'.repeat(17), '\u0130', '\u00df', '\ud83d\ude00'],
      starts_at: [...BAD_TIME, '2027-01-01T00:00:00Z'],
      ends_at: [...BAD_TIME, '2026-01-31T08:00:00Z', '2025-01-01T00:00:00Z'],
      per_wallet_limit: [...NOT_INTEGER, 2 ** 31],
      budget: [...BAD_MONEY, { value: 100, currency: 'EUR' }],
      metadata: [null, 1, 'a', [], { a: 'x'.repeat(20_000) }, { a: 'a\u0000' }, { 'a\u0000': 1 }, { a: ['\ud800'] }],
      codes: [null, [], {}, 'WELCOME', [{ code: 'WELCOME' }]],
    },
    'POST /v1/code-groups/{id}/cancel-generation': {},
    'POST /v1/code-groups/{id}/codes': { count: [...NOT_INTEGER, 1_000_001] },
    'PATCH /v1/code-groups/{id}': {
      name: [...NOT_TEXT, ...BAD_TEXT, ' ', 'x'.repeat(201)],
      starts_at: [...BAD_TIME.filter(isSome), '2027-01-01T00:00:00Z'],
      ends_at: [...BAD_TIME.filter(isSome), '2026-01-31T08:00:00Z', '2025-01-01T00:00:00Z'],
      per_wallet_limit: [...NOT_INTEGER.filter(isSome), 2 ** 31],
      budget: BAD_MONEY.filter(isSome),
      disabled: [null, 1, 0, 'true', [], {}],
      metadata: [null, 1, 'a', [], { a: 'x'.repeat(20_000) }, { a: 'a\u0000' }, { 'a\u0000': 1 }, { a: ['\ud800'] }],
    },
    'POST /v1/code-checks': {
      code: [...NOT_TEXT, '', 'x'.repeat(10_000)],
      phone: BAD_PHONE,
      at: BAD_TIME,
    },
    'PATCH /v1/codes/{id}': { disabled: [null, 1, 0, 'true', [], {}] },
    'PATCH /v1/wallets/{wallet}': { state: [...NOT_TEXT, '', 'FROZEN', 'closed', 'x'.repeat(10_000)] },
    'POST /v1/codes/lookup': { code: [...NOT_TEXT, '', 'x'.repeat(10_000)] },
    'POST /v1/wallets': { phone: BAD_PHONE, currency: [...NOT_TEXT, '', 'usd', 'XXX', 'US\u0000'] },
    'POST /v1/wallets/{wallet}/credits': {
      amount: BAD_MONEY,
      reference: [...NOT_TEXT, ...BAD_TEXT, 'x'.repeat(256)],
      note: [...NOT_TEXT, ...BAD_TEXT, 'x'.repeat(501)],
    },
    'POST /v1/wallets/{wallet}/debits': {
      amount: BAD_MONEY,
      reference: [...NOT_TEXT, ...BAD_TEXT, 'x'.repeat(256)],
      note: [...NOT_TEXT, ...BAD_TEXT, 'x'.repeat(501)],
    },
    'POST /v1/api-keys': {
      name: [...NOT_TEXT, ...BAD_TEXT, ' ', 'x'.repeat(101), 'admin', ' Admin '],
      scopes: [
        null,
        {},
        'ops:write',
        [],
        [''],
        ['ops'],
        ['ops:*'],
        ['OPS:WRITE'],
        ['ops:write', 1],
        Array(11).fill('*'),
      ],
    },
    'POST /v1/api-keys/{id}/rotate': {},
    'DELETE /v1/api-keys/{id}': {},
    'POST /v1/webhook-endpoints': { url: BAD_URL, event_types: BAD_EVENT_TYPES },
    'PATCH /v1/webhook-endpoints/{id}': {
      url: BAD_URL,
      event_types: BAD_EVENT_TYPES,
      disabled: [null, 1, 0, 'true', [], {}],
    },
    'DELETE /v1/webhook-endpoints/{id}': {},
    'POST /v1/webhook-endpoints/{id}/test': {},
    'POST /v1/webhook-endpoints/{id}/rotate-secret': {},
    'POST /v1/webhook-deliveries/{id}/retry': {},
    'POST /v1/reconciliations': {},
    'POST /v1/outbox/replay': {
      part: [...NOT_TEXT, '', 'gateway', 'WALLET', 'wallet\u0000'],
      from: BAD_TIME,
      to: [...BAD_TIME, '2020-01-31T08:00:00Z'],
    },
  };

  test('every member of every request is tried', () => {
    const members = (of: Record<string, object>) => Object.keys(of).filter((member) => member !== 'codes');
    for (const name of writers) {
      expect([name, members(bad[name] as never).sort()]).toEqual([name, Object.keys(example(name).body ?? {}).sort()]);
    }
  });

  const members = Object.entries(bad).flatMap(([name, of]) =>
    Object.entries(of).map(([member, values]) => [name, member, values] as const),
  );
  test.each(members)('%s: %s', async (name, member, values) => {
    const { method, path, body } = example(name);
    for (const value of values) {
      const problem = await refused({ method, path, body: { ...body, [member]: value } }, 'invalid-request');
      const pointers: string[] = problem.errors.map(({ pointer }: { pointer: string }) => pointer);
      // A window is wrong at its end, count and codes exclude each other.
      const where = [
        `/${member}`,
        ...(member === 'starts_at' ? ['/ends_at'] : []),
        ...(member === 'codes' ? ['/count'] : []),
      ];
      expect(pointers.some((pointer) => where.some((start) => pointer.startsWith(start)))).toBe(true);
    }
    for (const number of ['1e999', '-1e999', '1e-999', '99999999999999999999999999']) {
      const json = JSON.stringify({ ...body, [member]: 0 }).replace(`"${member}":0`, `"${member}":${number}`);
      await refused({ method, path, body: json }, 'invalid-request');
    }
  });

  test.each(['POST /v1/redemptions', 'POST /v1/codes/lookup'])('%s: a text that cannot be a code', async (name) => {
    const { method, path, body } = example(name);
    const texts = [
      'abc',
      '!',
      ' ',
      'a'.repeat(33),
      'WEL\u0000COME',
      'WEL\ud800COME',
      '\ud83d\ude00\ud83d\ude00',
      '\u00df\u00df\u00df\u00df',
      '%00',
      "' or 1=1",
    ];
    for (const code of texts) await refused({ method, path, body: { ...body, code } }, 'code-malformed');
  });

  test('POST /v1/code-groups: given codes', async () => {
    const group = { name: 'Given', amount: money };
    const lists = [
      [{ code: 'abc' }],
      [{ code: 'WEL\u0000COME' }],
      [{ code: '\ud83d\ude00\ud83d\ude00' }],
      [{ code: 'x'.repeat(10_000) }],
      [{ code: 'WELCOME1', max_redemptions: 0 }],
      [{ code: 'WELCOME1', max_redemptions: 2 ** 31 }],
      [{ code: 'WELCOME1', max_redemptions: null }],
      [{ code: 'WELCOME1', unknown: 1 }],
      [{ code: 'WELCOME1' }, { code: 'welc0me-i' }],
      [null],
      ['WELCOME1'],
      Array.from({ length: 1_001 }, (_, index) => ({ code: `MANY${1_000 + index}` })),
    ];
    for (const codes of lists) {
      await refused({ method: 'POST', path: '/v1/code-groups', body: { ...group, codes } }, 'invalid-request');
    }
    const body = { ...group, codes: [{ code: 'WELCOME1' }], prefix: 'EID' };
    await refused({ method: 'POST', path: '/v1/code-groups', body }, 'invalid-request');
    await refused({ method: 'POST', path: '/v1/code-groups', body: group }, 'invalid-request');
  });

  test('POST /v1/code-groups: numbers that JSON has not', async () => {
    for (const metadata of ['{"a":1e400}', '{"a":[{"b":-1e999}]}']) {
      const body = `{"name":"Eid","amount":{"value":100,"currency":"USD"},"count":1,"metadata":${metadata}}`;
      await refused({ method: 'POST', path: '/v1/code-groups', body }, 'invalid-request');
    }
  });

  test('an Idempotency-Key that comes twice', async () => {
    const body = JSON.stringify({ code: there.code, phone: there.phone });
    const { status, text } = await sendRaw(
      `POST /v1/redemptions HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer ${ADMIN_KEY}\r\nContent-Type: application/json\r\n` +
        `Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    expect(status).toBe(400);
    expect(text).toContain('"pointer":"Idempotency-Key"');
  });

  test('POST /v1/code-groups: metadata nested without end', async () => {
    const group = JSON.stringify({ name: 'Deep', amount: money, count: 1 }).slice(0, -1);
    for (const depth of [4_000, 7_000, 100_000]) {
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        const nested = `{"a":${open.repeat(depth)}1${close.repeat(depth)}}`;
        await refused(
          { method: 'POST', path: '/v1/code-groups', body: `${group},"metadata":${nested}}` },
          'invalid-request',
        );
      }
    }
  });
});

describe.each(readers)('%s', (name) => {
  test('takes no parameter it does not know, and none twice', async () => {
    const { path } = example(name);
    for (const query of [
      'unknown=1',
      'limit[]=1',
      '__proto__=1',
      '__proto__[a]=1',
      'constructor=1',
      '=1',
      '%00=1',
      '%ZZ=1',
    ]) {
      await refused({ path: `${path}?${query}` }, 'invalid-request');
    }
    for (const twice of ['limit=1&limit=2', 'cursor=a&cursor=b', 'currency=USD&currency=USD', 'from=&from=']) {
      await refused({ path: `${path}?${twice}` }, 'invalid-request');
    }
    await refused({ path, headers: { Prefer: 'wait=31' } }, 'invalid-request');
  });
});

describe.each(lists)('the list %s', (name) => {
  test('takes no limit, time or cursor that is none', async () => {
    const { path } = example(name);
    const bad = [
      ...['0', '-1', '201', '1.5', 'abc', '', '1e999', 'NaN', '2147483648', '%00', '0x10', '1e1', '%201'].map(
        (limit) => `limit=${limit}`,
      ),
      ...BAD_TIME.filter((time) => typeof time === 'string').flatMap((time) =>
        ['created_from', 'created_to'].map((member) => `${member}=${encodeURIComponent(time)}`),
      ),
      ...['', 'a', '%00', 'e30', 'bnVsbA', 'W10', btoa('{"a":1}'), btoa('["x"]'), 'x'.repeat(501), '%F0%9F%98%80'].map(
        (cursor) => `cursor=${cursor}`,
      ),
    ];
    for (const query of bad) await refused({ path: `${path}?${query}` }, 'invalid-request');
  });

  test('takes no range of times that ends before it begins', async () => {
    const { path } = example(name);
    const range = (from: string, to: string) => ({ path: `${path}?created_from=${from}&created_to=${to}` });
    await refused(range('2026-01-02T00:00:00Z', '2026-01-02T01:00:00%2B02:00'), 'invalid-request');
    expect((await send(range('2026-01-02T00:00:00Z', '2026-01-02T02:00:00%2B02:00'))).status).toBe(200);
  });

  test('takes no cursor of another list, of other filters, or with a position that was never given out', async () => {
    const { path } = example(name);
    const first = await send({ path: `${path}?limit=1` });
    const own = JSON.parse(first.text).next_cursor;
    expect(own).toEqual(expect.any(String));
    for (const other of lists.filter((list) => list !== name)) {
      const { text } = await send({ path: `${example(other).path}?limit=1` });
      const cursor = JSON.parse(text).next_cursor;
      if (cursor) await refused({ path: `${path}?cursor=${cursor}` }, 'invalid-request');
    }
    await refused({ path: `${path}?cursor=${own}&created_from=2001-01-01T00:00:00Z` }, 'invalid-request');

    const [digest, ...position] = JSON.parse(Buffer.from(own, 'base64url').toString());
    const forged: unknown[][] =
      position.length === 2
        ? [
            [8.64e15, position[1]],
            [-8.64e15, position[1]],
            [253_402_300_800_000, position[1]],
            [1.5, position[1]],
            [1e300, position[1]],
            [null, position[1]],
            [position[0], 'a'],
            [position[0], null],
            [position[0]],
            [...position, 1],
          ]
        : [[2 ** 53], [1.5], [1e300], ['1'], [null], [], [1, 2]];
    for (const parts of forged) {
      const cursor = Buffer.from(JSON.stringify([digest, ...parts])).toString('base64url');
      await refused({ path: `${path}?cursor=${cursor}` }, 'invalid-request');
    }
    // Positions that no row has, but that could be: an empty or a whole page, no failure.
    for (const parts of position.length === 2
      ? [[0, position[1]]]
      : [[2 ** 53 - 1], [2 ** 31], [-(2 ** 31) - 1], [-1]]) {
      const cursor = Buffer.from(JSON.stringify([digest, ...parts])).toString('base64url');
      const { status, text } = await send({ path: `${path}?cursor=${cursor}` });
      expect([200, 400], text).toContain(status);
    }
  });
});

describe('filters that are none', () => {
  const id = ['', 'a', '%00', randomUUID().slice(1), `${randomUUID()}0`, '00000000-0000-0000-0000-00000000000g'];
  const phone = BAD_PHONE.filter((text): text is string => typeof text === 'string' && text.isWellFormed());
  const text = ['', 'x'.repeat(256), 'a%00', 'a%1B'];
  test.each<[path: string, parameter: string, values: string[]]>([
    ['/v1/redemptions', 'phone', phone.map(encodeURIComponent)],
    ['/v1/redemptions', 'group_id', id],
    ['/v1/redemptions', 'code_id', id],
    ['/v1/redemptions', 'state', ['', 'pending', 'RESERVED', 'reserved%00']],
    ['/v1/redemptions', 'reference', text],
    ['/v1/redemptions', 'stuck', ['', '1', 'yes', 'TRUE']],
    ['/v1/code-groups', 'q', text],
    ['/v1/wallets', 'phone', phone.map(encodeURIComponent)],
    ['/v1/wallets', 'currency', ['', 'usd', 'XXX', 'US%00']],
    ['/v1/wallets', 'state', ['', 'open', 'FROZEN']],
    ['/v1/audit-log', 'actor', text],
    ['/v1/audit-log', 'action', text],
    ['/v1/audit-log', 'resource', text],
  ])('%s?%s=', async (path, parameter, values) => {
    for (const value of values) await refused({ path: `${path}?${parameter}=${value}` }, 'invalid-request');
  });

  test('of the codes and the statistics of a group', async () => {
    const group = `/v1/code-groups/${there.group}`;
    for (const state of ['', 'open', 'USED'])
      await refused({ path: `${group}/codes?state=${state}` }, 'invalid-request');
    for (const zone of ['', 'Mars/Phobos', 'utc%00', '+03:30', 'EST5EDT4', "'", 'UTC;', 'US/Pacific-New']) {
      await refused({ path: `${group}/stats?time_zone=${zone}` }, 'invalid-request');
    }
    for (const time of BAD_TIME.filter((bad) => typeof bad === 'string')) {
      await refused({ path: `${group}/stats?from=${encodeURIComponent(time)}` }, 'invalid-request');
      await refused({ path: `${group}/stats?to=${encodeURIComponent(time)}` }, 'invalid-request');
    }
    const turnedRound = 'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z';
    await refused({ path: `${group}/stats?${turnedRound}` }, 'invalid-request');
  });

  test('of a wallet: a currency that is none', async () => {
    for (const path of [`/v1/wallets/${there.wallet}`, `/v1/wallets/${there.wallet}/transactions`]) {
      for (const currency of ['', 'usd', 'XXX', 'US%00']) {
        await refused({ path: `${path}?currency=${currency}` }, 'invalid-request');
      }
    }
  });
});

describe('paths', () => {
  const bad = [
    ...['a', '%00', '%ZZ', '%', '%C3', '%FF', '%F0%9F%98%80', '%ED%A0%80', '..%2F..%2Fhealthz', "'", '0', '-1', 'null'],
    ...['__proto__', 'constructor', 'x'.repeat(2_000), `${randomUUID()}%00`, `{${randomUUID()}}`, randomUUID()],
  ];
  const parameterized = names.filter((name) => name.includes('{'));

  test.each(parameterized)('%s: an id that is none, or that nothing has', async (name) => {
    const request = example(name);
    const pattern = all[allNames.indexOf(name)]?.path ?? '';
    for (const id of bad) {
      const path = pattern.replace(/\{\w+\}/, id);
      await refused({ ...request, path }, 'not-found', 'wallet-not-found');
    }
  });

  test.each(['+98912', '989', '%2B', '%20', '+98912123456x', '+12025550123', '12025550123', '%2B98%00'])(
    'a phone that has no wallet, or is none: %s',
    async (phone) => {
      await refused({ path: `/v1/wallets/${phone}` }, 'wallet-not-found');
      await refused({ path: `/v1/wallets/${phone}/transactions` }, 'wallet-not-found');
      const body = { amount: money };
      await refused({ method: 'POST', path: `/v1/wallets/${phone}/credits`, body }, 'wallet-not-found');
    },
  );

  test('that are not known', async () => {
    for (const path of [
      '/',
      '/v1',
      '/v1/',
      '/v2/wallets',
      '/v1/nothing',
      '/v1/wallets/a/b/c',
      '/v1/codes',
      '/%ZZ',
      '/v1/%ZZ',
      '/errors/../x',
    ]) {
      await refused({ path }, 'not-found');
      await refused({ method: 'POST', path, body: {} }, 'not-found');
    }
  });

  test.each(names)('%s: with another method, told which it knows', async (name) => {
    const { path } = example(name);
    const known = names.filter((other) => example(other).path === path).map((other) => example(other).method);
    for (const method of ['PUT', 'DELETE', 'PATCH', 'POST', 'GET'].filter((other) => !known.includes(other))) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      // POST /v1/redemptions/retry is a path of its own; to GET it is an id that is none.
      if (path === '/v1/redemptions/retry' && method === 'GET') continue;
      // POST /v1/codes/lookup is a path of its own; to GET and PATCH it is a code's id that is none.
      if (path === '/v1/codes/lookup' && ['GET', 'PATCH'].includes(method)) continue;
      const got = await send({ method, path, body });
      expect(problemOf(got).code).toBe('method-not-allowed');
      for (const one of known) expect(got.headers.get('Allow')).toContain(one);
    }
  });

  test('/healthz and /readyz: with another method', async () => {
    for (const path of ['/healthz', '/readyz']) await refused({ method: 'POST', path, body: {} }, 'method-not-allowed');
  });
});

describe('what is hardly HTTP', () => {
  const head = `Host: x\r\nAuthorization: Bearer ${ADMIN_KEY}\r\n`;
  test.each<[what: string, request: string, status: number]>([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a header that is none', `GET /v1/wallets HTTP/1.1\r\n${head}no colon\r\n\r\n`, 400],
    ['headers without end', `GET /v1/wallets HTTP/1.1\r\n${head}X: ${'x'.repeat(40_000)}\r\n\r\n`, 413],
    ['a path without end', `GET /v1/wallets/${'x'.repeat(40_000)} HTTP/1.1\r\n${head}\r\n`, 413],
    ['a length that is none', `POST /v1/wallets HTTP/1.1\r\n${head}Content-Length: -1\r\n\r\n`, 400],
    [
      'two lengths',
      `POST /v1/wallets HTTP/1.1\r\n${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
      400,
    ],
    [
      'chunks that are none',
      `POST /v1/wallets HTTP/1.1\r\n${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
    ],
  ])('%s gets a problem, too', async (_, request, status) => {
    const got = await sendRaw(request);
    expect(got.status, got.text).toBe(status);
    expect(got.text).toMatch(/content-type: application\/problem\+json/i);
  });

  test('a body that is refused before its end is answered, and its connection goes on', async () => {
    // Not random bytes: of those one in twelve is something to brotli.
    const parts = Array.from({ length: 20 }, () => Buffer.alloc(100_000, 0xff));
    const json = Buffer.from(JSON.stringify({ phone: newPhone(), unknown: 'x'.repeat(3_000_000) }));
    for (const [body, coding, status] of [
      [parts, 'gzip', 400],
      [parts, 'br', 400],
      [parts, undefined, 413],
      [[gzipSync(json)], 'GZIP', 413],
      [[gzipSync(randomBytes(2_000_000).toString('base64'))], 'gzip', 413],
    ] as const) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const headers = { 'Content-Type': 'application/json', ...(coding && { 'Content-Encoding': coding }) };
      const answer = await sendParts(agent, '/v1/wallets', body, headers);
      expect(answer).toMatchObject({ status, type: 'application/problem+json', requestId: expect.any(String) });
      expect(await sendParts(agent, '/v1/wallets', ['{}'], { 'Content-Type': 'application/json' })).toMatchObject({
        status: 400,
        socket: answer.socket,
      });
      agent.destroy();
    }
  });

  test('a client that goes away in the middle of what it compresses leaves the service well', async () => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    const part = gzipSync(randomBytes(50_000)).subarray(0, 20_000);
    socket.write(
      `POST /v1/wallets HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 50000\r\n\r\n`,
    );
    socket.write(part);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
    expect((await send({ path: '/healthz' })).status).toBe(200);
  });

  test('a client that goes away in the middle of its request leaves the service well', async () => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.write(
      `POST /v1/wallets HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"phone":`,
    );
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
    expect((await send({ path: '/healthz' })).status).toBe(200);
  });
});

/** Sends bytes as they are. @returns the status and all of the answer */
function sendRaw(request: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1', () => socket.write(request));
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]), text }));
  });
}

/** Sends a body of a length that is not told, by a connection of an agent. */
function sendParts(agent: Agent, path: string, parts: readonly (Buffer | string)[], headers: Record<string, string>) {
  return new Promise<Record<'status' | 'type' | 'requestId' | 'socket', unknown>>((resolve, reject) => {
    const authorization = `Bearer ${ADMIN_KEY}`;
    const sending = request(
      service.url + path,
      { method: 'POST', agent, headers: { authorization, ...headers } },
      (answer) => {
        const { statusCode, headers } = answer;
        const socket = sending.socket?.localPort;
        answer.resume().once('end', () => {
          resolve({ status: statusCode, type: headers['content-type'], requestId: headers['request-id'], socket });
        });
      },
    );
    sending.once('error', reject);
    for (const part of parts) sending.write(part);
    sending.end();
  });
}

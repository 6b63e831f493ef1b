import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../platform/config.ts';
import { dump } from '../test/database.ts';
import { breakDatabase, lockRows } from '../test/faults.ts';
import {
  ADMIN_KEY,
  type ApiAnswer,
  createWorld,
  forFile,
  makeCodes,
  newPhone,
  startIn,
  type TestService,
  until,
} from '../test/harness.ts';
import { operations } from './routes/index.ts';
import { SCOPES } from './scopes.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));
/** Another gateway over the same databases. */
const other = await forFile(startIn(world));

type Call = TestService['call'];
const usd = (value: number) => ({ value, currency: 'USD' });
const admin: Call = (...request) => service.call(...request);
const holderOf =
  (key: string, at = service): Call =>
  (method, path, body, headers) =>
    at.call(method, path, body, { Authorization: `Bearer ${key}`, ...headers });

async function makeKey(scopes: string[], name = 'till'): Promise<{ id: string; key: string; call: Call }> {
  const { status, body } = await admin('POST', '/v1/api-keys', { name, scopes });
  expect(status).toBe(201);
  return { ...body, call: holderOf(body.key) };
}
async function makeGroup(count = 1): Promise<{ id: string; codes: { id: string; code: string }[] }> {
  return (await admin('POST', '/v1/code-groups', { name: 'Eid', amount: usd(1_000), count })).body;
}
const auditOf = async (query: string) => (await admin('GET', `/v1/audit-log?${query}`)).body.items;
const onlyAudit = async (resource: string, action: string) => {
  const items = await auditOf(`resource=${resource}&action=${action}`);
  expect(items).toHaveLength(1);
  return items[0];
};

describe('scopes', () => {
  const { ops, read, write } = {
    ops: ['ops:write', '*'],
    read: (what: string) => [`${what}:read`, `${what}:write`, '*'],
    write: (what: string) => [`${what}:write`, '*'],
  };
  const allowed: Record<string, string[]> = {
    'POST /v1/redemptions': write('redemptions'),
    'GET /v1/redemptions': read('redemptions'),
    'GET /v1/redemptions/{id}': read('redemptions'),
    'GET /v1/redemptions/{id}/timeline': read('ops'),
    'POST /v1/redemptions/{id}/abort': ops,
    'POST /v1/redemptions/{id}/retry': ops,
    'POST /v1/redemptions/{id}/reverse': ops,
    'POST /v1/redemptions/retry': ops,
    'POST /v1/code-checks': ['redemptions:read', '*'],
    'POST /v1/code-groups': write('groups'),
    'GET /v1/code-groups': read('groups'),
    'GET /v1/code-groups/{id}': read('groups'),
    'PATCH /v1/code-groups/{id}': write('groups'),
    'POST /v1/code-groups/{id}/cancel-generation': write('groups'),
    'POST /v1/code-groups/{id}/codes': write('groups'),
    'GET /v1/code-groups/{id}/stats': read('groups'),
    'GET /v1/code-groups/{id}/codes': read('groups'),
    'GET /v1/code-groups/{id}/codes.csv': ['codes:reveal', '*'],
    'GET /v1/code-groups/{id}/redeemers': read('groups'),
    'GET /v1/codes/{id}': read('groups'),
    'POST /v1/codes/lookup': read('groups'),
    'PATCH /v1/codes/{id}': write('groups'),
    'POST /v1/wallets': write('wallets'),
    'GET /v1/wallets': read('wallets'),
    'GET /v1/wallets/{wallet}': read('wallets'),
    'PATCH /v1/wallets/{wallet}': write('wallets'),
    'POST /v1/wallets/{wallet}/credits': write('wallets'),
    'POST /v1/wallets/{wallet}/debits': write('wallets'),
    'GET /v1/wallets/{wallet}/transactions': read('wallets'),
    'POST /v1/api-keys': ops,
    'GET /v1/api-keys': read('ops'),
    'GET /v1/api-keys/{id}': read('ops'),
    'POST /v1/api-keys/{id}/rotate': ops,
    'DELETE /v1/api-keys/{id}': ops,
    'GET /v1/audit-log': read('ops'),
    'POST /v1/webhook-endpoints': ops,
    'GET /v1/webhook-endpoints': read('ops'),
    'GET /v1/webhook-endpoints/{id}': read('ops'),
    'PATCH /v1/webhook-endpoints/{id}': ops,
    'DELETE /v1/webhook-endpoints/{id}': ops,
    'POST /v1/webhook-endpoints/{id}/test': ops,
    'POST /v1/webhook-endpoints/{id}/rotate-secret': ops,
    'GET /v1/webhook-endpoints/{id}/deliveries': read('ops'),
    'GET /v1/webhook-deliveries/{id}': read('ops'),
    'POST /v1/webhook-deliveries/{id}/retry': ops,
    'GET /v1/outbox': read('ops'),
    'GET /v1/diagnostics': read('ops'),
    'POST /v1/outbox/replay': ops,
    'POST /v1/reconciliations': ops,
    'GET /v1/reconciliations': read('ops'),
    'GET /v1/reconciliations/{id}': read('ops'),
  };
  const names = operations(readConfig({})).map(({ method, path }) => `${method} ${path}`);

  test('the table has every operation', () => {
    expect(Object.keys(allowed).sort()).toEqual(names.toSorted());
  });

  test.each(SCOPES)('%s allows what it should, and nothing else', async (scope) => {
    const { call } = await makeKey([scope]);
    for (const name of names) {
      const [method = '', pattern = ''] = name.split(' ');
      // Asks for what is not there, or not in order, so that what is allowed changes nothing.
      const { status, body } = await call(
        method,
        pattern.replace(/\{\w+\}/, randomUUID()),
        method === 'GET' ? undefined : {},
      );
      if (allowed[name]?.includes(scope))
        expect([200, 201, 202, 400, 404], `${name}: ${JSON.stringify(body)}`).toContain(status);
      else expect([name, status, body.code]).toEqual([name, 403, 'forbidden']);
    }
  });

  test('a key gives no scope that it does not have itself, neither new nor rotated', async () => {
    const { call } = await makeKey(['ops:write', 'wallets:write']);
    const make = (...scopes: string[]) => call('POST', '/v1/api-keys', { name: 'child', scopes });
    for (const scopes of [['*'], ['groups:read'], ['ops:write', 'codes:reveal'], ['redemptions:read']]) {
      expect((await make(...scopes)).body.code).toBe('forbidden');
    }
    expect((await make('ops:read', 'wallets:read', 'ops:write')).status).toBe(201);
    const greater = await makeKey(['*']);
    expect((await call('POST', `/v1/api-keys/${greater.id}/rotate`)).body.code).toBe('forbidden');
    expect((await greater.call('GET', '/v1/wallets')).status).toBe(200);
  });
});

describe('who may not, learns nothing', () => {
  const said = ({ status, headers, body }: ApiAnswer) => {
    return { status, body, authenticate: headers.get('WWW-Authenticate'), allow: headers.get('Allow') };
  };

  test('403 is the same for what exists, for what does not, and for what is sent wrongly', async () => {
    const { call } = await makeKey(['wallets:read']);
    const { id, codes } = await makeGroup();
    const { key } = await makeKey(['wallets:read']);
    const answers = [
      await call('GET', `/v1/code-groups/${id}`),
      await call('GET', `/v1/code-groups/${randomUUID()}`),
      await call('GET', '/v1/code-groups/not-an-id?limit=x'),
      await call('PATCH', `/v1/code-groups/${id}`, '{'),
      await call('PATCH', `/v1/code-groups/${id}`, ' '.repeat(1_200_000)),
      await call('PATCH', `/v1/code-groups/${id}`, 'x', { 'Content-Type': 'text/plain' }),
      await call('GET', `/v1/codes/${codes[0]?.id}`),
      await call('POST', '/v1/codes/lookup', { code: codes[0]?.code }),
      await call('POST', '/v1/codes/lookup', { code: 'NOSUCHCODE' }),
      await holderOf(key)('DELETE', `/v1/api-keys/${randomUUID()}`),
    ].map(said);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 403, body: { code: 'forbidden', title: expect.any(String) } });
    expect(Object.keys(answers[0]?.body ?? {}).sort()).toEqual(['code', 'status', 'title', 'type']);
  });

  test('401 is the same for a key that never was and for one that is revoked', async () => {
    const revoked = await makeKey(['*']);
    await admin('DELETE', `/v1/api-keys/${revoked.id}`);
    const { id } = await makeGroup();
    const never = holderOf('vs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
    const answers = [
      await revoked.call('GET', `/v1/code-groups/${id}`),
      await never('GET', `/v1/code-groups/${id}`),
      await never('GET', `/v1/code-groups/${randomUUID()}`),
    ].map(said);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 401, authenticate: expect.stringMatching(/^Bearer/) });
  });
});

describe('a key', () => {
  test('is shown once, and a repeat of its making makes none', async () => {
    const request = { name: 'shop', scopes: ['wallets:read', 'groups:read', 'wallets:read'] };
    const headers = { 'Idempotency-Key': randomUUID() };
    const first = await admin('POST', '/v1/api-keys', request, headers);
    const { key, ...rest } = first.body;
    expect(first.body).toEqual({
      id: expect.any(String),
      name: 'shop',
      client_id: first.body.id,
      scopes: ['groups:read', 'wallets:read'],
      last4: key.slice(-4),
      created_at: expect.any(String),
      last_used_at: null,
      revoked_at: null,
      key: expect.stringMatching(/^vs_[\w-]{32}$/),
    });
    expect(first.headers.get('Location')).toBe(`/v1/api-keys/${first.body.id}`);
    const again = await admin('POST', '/v1/api-keys', request, headers);
    expect(again.body).toEqual({ ...rest, key: null });
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    for (const changed of [
      { ...request, name: 'another' },
      { ...request, scopes: ['*'] },
    ]) {
      expect((await admin('POST', '/v1/api-keys', changed, headers)).body.code).toBe('idempotency-key-reused');
    }
    expect((await admin('GET', `/v1/api-keys/${first.body.id}`)).body).toEqual(rest);
    expect((await admin('GET', '/v1/api-keys?limit=1')).body.items).toEqual([rest]);
    await onlyAudit(first.body.id, 'api_key.create');
  });

  test('is nowhere in clear, and tells when it was used last', async () => {
    const { id, key, call } = await makeKey(['ops:read']);
    expect((await call('GET', `/v1/api-keys/${id}`)).body.last_used_at).toMatch(/^20/);
    const everything = JSON.stringify(await dump(world.gateway));
    expect(everything).toContain(createHash('sha256').update(key).digest('hex'));
    expect(everything).not.toContain(key);
    expect(everything).not.toContain(key.slice(3, 20));
    expect(everything).not.toContain(ADMIN_KEY);
  });

  test('is rotated: the old one stops at once, the new one is the same client', async () => {
    const { id, key, call } = await makeKey(['redemptions:write'], 'rotated');
    const [code = ''] = await makeCodes(service, 1);
    const request = { code, phone: newPhone() };
    const headers = { 'Idempotency-Key': randomUUID() };
    const redeemed = await call('POST', '/v1/redemptions', request, headers);
    expect(redeemed.status).toBe(201);
    expect((await holderOf(key, other)('GET', '/v1/redemptions')).status).toBe(200);

    const rotation = { 'Idempotency-Key': randomUUID() };
    const answers = await Promise.all(
      [1, 2, 3].map(() => admin('POST', `/v1/api-keys/${id}/rotate`, undefined, rotation)),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    const shown = answers.filter(({ body }) => body.key !== null);
    expect(shown).toHaveLength(1);
    const { body: rotated } = shown[0] as ApiAnswer;
    expect(rotated).toMatchObject({ name: 'rotated', client_id: id, scopes: ['redemptions:write'] });
    expect(rotated.id).not.toBe(id);

    expect((await call('GET', '/v1/redemptions')).status).toBe(401);
    const replay = await holderOf(rotated.key)('POST', '/v1/redemptions', request, headers);
    expect(replay.headers.get('Idempotent-Replayed')).toBe('true');
    expect(replay.body).toEqual(redeemed.body);
    // The other gateway has remembered the old key, and checks it again soon.
    await until(async () => (await holderOf(key, other)('GET', '/v1/redemptions')).status === 401);
    expect((await holderOf(rotated.key, other)('GET', '/v1/redemptions')).status).toBe(200);

    expect((await admin('POST', `/v1/api-keys/${id}/rotate`)).body.code).toBe('conflict');
    const mismatch = await admin('POST', `/v1/api-keys/${rotated.id}/rotate`, undefined, rotation);
    expect(mismatch.body.code).toBe('idempotency-key-reused');
    expect(await onlyAudit(id, 'api_key.rotate')).toMatchObject({ after: { id: rotated.id } });
  });

  test('of two that are rotated under one Idempotency-Key at the same time one is, and the other stays', async () => {
    for (let round = 0; round < 10; round++) {
      const keys = [await makeKey(['wallets:read']), await makeKey(['wallets:read'])];
      const rotation = { 'Idempotency-Key': randomUUID() };
      const rotate = ({ id }: { id: string }) => admin('POST', `/v1/api-keys/${id}/rotate`, undefined, rotation);
      const answers = await Promise.all(keys.map(rotate));
      const outcomes = answers.map(({ status, body }) => body.code ?? status);
      expect([...outcomes].sort()).toEqual([201, 'idempotency-key-reused']);
      const stays = keys[outcomes.indexOf('idempotency-key-reused')];
      expect((await stays?.call('GET', '/v1/wallets'))?.status).toBe(200);
    }
  });

  test('is revoked: at once here, soon elsewhere, and again without harm', async () => {
    const { id, key, call } = await makeKey(['wallets:read']);
    const elsewhere = holderOf(key, other);
    expect((await elsewhere('GET', '/v1/wallets')).status).toBe(200);
    expect((await call('GET', '/v1/wallets')).status).toBe(200);
    const revoked = await admin('DELETE', `/v1/api-keys/${id}`);
    expect(revoked).toMatchObject({ status: 204, body: undefined });
    expect((await call('GET', '/v1/wallets')).status).toBe(401);
    await until(async () => (await elsewhere('GET', '/v1/wallets')).status === 401);
    expect((await admin('DELETE', `/v1/api-keys/${id}`)).status).toBe(204);
    expect((await admin('GET', `/v1/api-keys/${id}`)).body.revoked_at).toMatch(/^20/);
    await onlyAudit(id, 'api_key.revoke');
  });
});

describe('what is shown depends on the key', () => {
  test('who redeems reads its own redemptions, and nothing of others', async () => {
    const [mine, theirs] = [await makeKey(['redemptions:write']), await makeKey(['redemptions:write'])];
    const [one, two, three] = await makeCodes(service, 3);
    const phone = newPhone();
    const own = await mine.call('POST', '/v1/redemptions', { code: one, phone });
    const foreign = await theirs.call('POST', '/v1/redemptions', { code: two, phone });
    const byAdmin = await admin('POST', '/v1/redemptions', { code: three, phone });
    expect(own.status).toBe(201);
    const shown = await mine.call('GET', `/v1/redemptions/${own.body.id}`);
    expect(shown).toMatchObject({ status: 200, body: own.body });
    const missing = await mine.call('GET', `/v1/redemptions/${randomUUID()}`);
    for (const { body } of [foreign, byAdmin]) {
      expect(await mine.call('GET', `/v1/redemptions/${body.id}`)).toMatchObject({ status: 404, body: missing.body });
    }
    const ids = async (call: Call) =>
      (await call('GET', `/v1/redemptions?phone=${encodeURIComponent(phone)}`)).body.items.map(
        ({ id }: { id: string }) => id,
      );
    expect(await ids(mine.call)).toEqual([own.body.id]);
    expect(await ids((await makeKey(['redemptions:read'])).call)).toEqual([
      byAdmin.body.id,
      foreign.body.id,
      own.body.id,
    ]);
  });

  test('a trace needs ops:read', async () => {
    const without = (await makeKey(['redemptions:write', 'redemptions:read'])).call;
    const withIt = (await makeKey(['redemptions:write', 'redemptions:read', 'ops:read'])).call;
    const codes = await makeCodes(service, 2);
    for (const [call, has] of [
      [without, false],
      [withIt, true],
    ] as const) {
      const { body: made } = await call('POST', '/v1/redemptions', { code: codes.pop(), phone: newPhone() });
      expect(made.state).toBe('completed');
      const { body: got } = await call('GET', `/v1/redemptions/${made.id}`);
      const { body: list } = await call('GET', '/v1/redemptions?limit=1');
      for (const shown of [made, got, list.items[0]]) {
        expect(['workflow_id', 'trace_url'].map((member) => member in shown)).toEqual([has, has]);
      }
      const waiting = await call(
        'POST',
        '/v1/redemptions',
        { code: (await makeCodes(service, 1))[0], phone: newPhone() },
        { Prefer: 'wait=0' },
      );
      expect('trace_url' in waiting.body).toBe(has);
    }
  });

  test('a code in clear needs codes:reveal, and each request that reveals is written down', async () => {
    const { id, codes } = await makeGroup(2);
    const [first] = codes;
    const reads: [string, string, unknown?][] = [
      ['GET', `/v1/code-groups/${id}/codes`],
      ['GET', `/v1/codes/${first?.id}`],
      ['POST', '/v1/codes/lookup', { code: first?.code }],
    ];
    const blind = await makeKey(['groups:write']);
    const seeing = await makeKey(['groups:read', 'codes:reveal']);
    for (const read of reads) {
      const hidden = JSON.stringify((await blind.call(...read)).body);
      expect(hidden).toContain(`"last4":"${first?.code.slice(-4)}"`);
      expect(hidden).not.toContain('"code":');
      expect(hidden).not.toContain(first?.code);
      expect(JSON.stringify((await seeing.call(...read)).body)).toContain(`"code":"${first?.code}"`);
    }
    const patched = await admin('PATCH', `/v1/codes/${first?.id}`, { disabled: false });
    expect(patched.body).not.toHaveProperty('code');
    const csv = await fetch(`${service.url}/v1/code-groups/${id}/codes.csv`, {
      headers: { Authorization: `Bearer ${seeing.key}` },
    });
    expect(await csv.text()).toContain(first?.code);

    expect(await auditOf(`actor=${blind.id}`)).toEqual([]);
    const revealed = await auditOf(`actor=${seeing.id}`);
    expect(revealed.map(({ action, resource }: { action: string; resource: object }) => [action, resource])).toEqual([
      ['code.reveal', { type: 'code_group', id }],
      ['code.reveal', { type: 'code', id: first?.id }],
      ['code.reveal', { type: 'code', id: first?.id }],
      ['code.reveal', { type: 'code_group', id }],
    ]);
  });

  test('who creates codes sees them, and again in a repeat, which is written down', async () => {
    const { id, call } = await makeKey(['groups:write']);
    const headers = { 'Idempotency-Key': randomUUID() };
    const request = { name: 'Eid', amount: usd(1_000), count: 2 };
    const made = await call('POST', '/v1/code-groups', request, headers);
    const again = await call('POST', '/v1/code-groups', request, headers);
    expect(again.body).toEqual(made.body);
    const actions = (await auditOf(`actor=${id}`)).map(({ action }: { action: string }) => action);
    expect(actions).toEqual(['code.reveal', 'code_group.create']);
    const log = JSON.stringify(await dump(world.gateway));
    for (const { code } of made.body.codes) expect(log).not.toContain(code);
  });
});

describe('the audit log', () => {
  test('has every change: who, what, when, from where, before and after', async () => {
    const { id: clientId, call } = await makeKey(['*'], 'auditor');
    const phone = newPhone();
    const group = (await call('POST', '/v1/code-groups', { name: 'Eid', amount: usd(1_000), count: 1 })).body;
    const [code] = group.codes;
    await call('PATCH', `/v1/code-groups/${group.id}`, { name: 'Nowruz' });
    await call('PATCH', `/v1/codes/${code.id}`, { disabled: true });
    await call('PATCH', `/v1/codes/${code.id}`, { disabled: false });
    const wallet = (await call('POST', '/v1/wallets', { phone })).body;
    const credited = await call('POST', `/v1/wallets/${phone}/credits`, { amount: usd(500), reference: 'order-7' });
    const debited = (await call('POST', `/v1/wallets/${wallet.id}/debits`, { amount: usd(200), note: 'a fee' })).body;
    await call('PATCH', `/v1/wallets/${wallet.id}`, { state: 'frozen' });
    await call('PATCH', `/v1/wallets/${wallet.id}`, { state: 'active' });
    const redemption = (await call('POST', '/v1/redemptions', { code: code.code, phone })).body;
    await call('POST', `/v1/redemptions/${redemption.id}/reverse`, { reason: 'a refund', code: 'free' });
    await call('POST', '/v1/redemptions/retry', { step: 'credit' });

    const actor = { client_id: clientId, key_id: clientId, name: 'auditor' };
    const items = await auditOf('actor=auditor');
    for (const item of items) {
      expect(item).toMatchObject({
        id: expect.any(Number),
        actor,
        outcome: 'done',
        request_id: expect.any(String),
        remote_address: '127.0.0.1',
        created_at: expect.stringMatching(/^20/),
      });
    }
    const told = items.map(({ action, resource, before, after }: Record<string, unknown>) => {
      return { action, resource, before, after };
    });
    const { codes: _, ...created } = group;
    const of = (type: string, id: string | null) => ({ type, id });
    const change = (action: string, resource: object, before: unknown, after: unknown) => {
      return { action, resource, before, after };
    };
    expect(told.reverse()).toEqual([
      change('code_group.create', of('code_group', group.id), null, created),
      change('code_group.update', of('code_group', group.id), created, {
        ...created,
        name: 'Nowruz',
        updated_at: expect.any(String),
      }),
      change('code.update', of('code', code.id), { disabled: false }, { disabled: true }),
      change('code.update', of('code', code.id), { disabled: true }, { disabled: false }),
      change('wallet.create', of('wallet', wallet.id), null, { currency: 'USD', state: 'active' }),
      change(
        'wallet.credit',
        of('wallet', wallet.id),
        { balance: usd(0) },
        { balance: usd(500), transaction_id: credited.body.id, amount: usd(500), reference: 'order-7', note: null },
      ),
      change(
        'wallet.debit',
        of('wallet', wallet.id),
        { balance: usd(500) },
        { balance: usd(300), transaction_id: debited.id, amount: usd(200), reference: null, note: 'a fee' },
      ),
      change('wallet.update', of('wallet', wallet.id), { state: 'active' }, { state: 'frozen' }),
      change('wallet.update', of('wallet', wallet.id), { state: 'frozen' }, { state: 'active' }),
      change(
        'redemption.reverse',
        of('redemption', redemption.id),
        { state: 'completed' },
        { state: 'reversed', code: 'free', reason: 'a refund' },
      ),
      change('redemption.retry_stuck', of('redemption', null), null, { step: 'credit', retried: 0 }),
    ]);
    const row = items.find(({ action }: { action: string }) => action === 'wallet.credit');
    expect(row.request_id).toBe(credited.headers.get('Request-Id'));
    expect(JSON.stringify(items)).not.toContain(phone);
    expect(await auditOf(`actor=${clientId}&action=wallet.debit`)).toHaveLength(1);
    expect(await auditOf(`actor=auditor&resource=code`)).toHaveLength(2);
    expect(await auditOf(`actor=auditor&resource=${wallet.id}`)).toHaveLength(5);
    expect(await auditOf(`actor=auditor&created_to=2001-01-01T00:00:00Z`)).toEqual([]);
  });

  test('has what operators do about a stuck redemption', async () => {
    const { id, call } = await makeKey(['ops:write', 'redemptions:write']);
    const [code] = await makeCodes(service, 1);
    const phone = newPhone();
    const { id: wallet } = (await admin('POST', '/v1/wallets', { phone })).body;
    const atOnce = { Prefer: 'wait=0' };
    const unlock = await lockRows(world.urls.walletDatabase, 'wallets', wallet);
    const redemption = await call('POST', '/v1/redemptions', { code, phone }, atOnce);
    const path = `/v1/redemptions/${redemption.body.id}`;
    const read = async () => (await call('GET', path)).body.state;
    try {
      await until(async () => (await read()) === 'reserved');
      expect((await call('POST', `${path}/retry`, {}, atOnce)).status).toBe(202);
      expect((await call('POST', `${path}/abort`, { reason: 'fraud' }, atOnce)).status).toBe(202);
    } finally {
      await unlock();
    }
    const resource = { type: 'redemption', id: redemption.body.id };
    const before = { state: 'reserved' };
    expect(await auditOf(`actor=${id}`)).toMatchObject([
      { action: 'redemption.abort', resource, before, after: { state: 'reserved', reason: 'fraud' } },
      { action: 'redemption.retry', resource, before, after: { state: 'reserved', reason: null } },
    ]);
    await until(async () => (await read()) !== 'reserved');
    expect((await admin('POST', `${path}/retry`, {})).status).toBeLessThan(500);
    expect(await auditOf(`resource=${redemption.body.id}`)).toHaveLength(2);
  });

  test('has every operation that changes something: none can be added without', () => {
    const changing = operations(readConfig({})).filter(({ method }) => method !== 'GET');
    const without = changing.filter(({ action }) => !action).map(({ method, path }) => `${method} ${path}`);
    expect(without.sort()).toEqual(['POST /v1/code-checks', 'POST /v1/codes/lookup', 'POST /v1/redemptions']);
  });

  test('has nothing of what was refused, repeated, or no change', async () => {
    const { id, call } = await makeKey(['*']);
    const phone = newPhone();
    const once = { 'Idempotency-Key': randomUUID() };
    await call('POST', '/v1/wallets', { phone }, once);
    const made = { name: 'Same', amount: usd(1), count: 1, metadata: { b: [2], a: 1 } };
    const group = (await call('POST', '/v1/code-groups', made)).body;
    const { length: before } = await auditOf(`actor=${id}`);
    await call('POST', '/v1/wallets', { phone }, once);
    await call('POST', '/v1/wallets', { phone });
    await call('POST', `/v1/wallets/${phone}/debits`, { amount: usd(1) });
    await call('PATCH', `/v1/wallets/${phone}`, { state: 'active' });
    await call('PATCH', `/v1/code-groups/${group.id}`, { name: group.name, metadata: { a: 1, b: [2] }, ends_at: null });
    await call('DELETE', `/v1/api-keys/${randomUUID()}`);
    await call('POST', '/v1/wallets', {});
    expect(await auditOf(`actor=${id}`)).toHaveLength(before);
    expect((await world.gateway.query('select from audit_intents')).rows).toEqual([]);
  });

  test('is paged, the newest first', async () => {
    const { id, call } = await makeKey(['wallets:write']);
    for (let index = 0; index < 5; index++) await call('POST', '/v1/wallets', { phone: newPhone() });
    const first = await admin('GET', `/v1/audit-log?actor=${id}&limit=3`);
    await call('POST', '/v1/wallets', { phone: newPhone() });
    const second = await admin('GET', `/v1/audit-log?actor=${id}&limit=3&cursor=${first.body.next_cursor}`);
    const ids = [...first.body.items, ...second.body.items].map((entry) => entry.id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
    expect(ids).toHaveLength(5);
    expect(second.body.next_cursor).toBeNull();
  });

  test('cannot be changed or deleted, even in the database', async () => {
    await makeKey(['*']);
    for (const statement of [
      `update audit_log set action = 'nothing'`,
      'delete from audit_log',
      'truncate audit_log',
    ]) {
      await expect(world.gateway.query(statement)).rejects.toThrow('append-only');
    }
  });

  test('has what was begun and lost with its process, as of unknown outcome', async () => {
    const { id } = await makeKey(['*']);
    const [walletId, underWay] = [randomUUID(), randomUUID()];
    await world.gateway.query(
      `insert into audit_intents
         (id, client_id, key_id, action, resource_type, resource_id, request_id, remote_address, created_at, alive_at)
       select gen_random_uuid(), $1, $1, 'wallet.credit', 'wallet', resource, gen_random_uuid(), '192.0.2.1',
         now() - interval '10 minutes', now() - silent
       from (values ($2::uuid, interval '10 minutes'), ($3::uuid, interval '0')) all_of(resource, silent)`,
      [id, walletId, underWay],
    );
    expect(await onlyAudit(walletId, 'wallet.credit')).toMatchObject({ outcome: 'unknown', before: null, after: null });
    await onlyAudit(walletId, 'wallet.credit');
    // What takes long is not lost: its process says so.
    expect((await admin('GET', `/v1/audit-log?resource=${underWay}`)).body.items).toEqual([]);
    await world.gateway.query('delete from audit_intents where resource_id = $1', [underWay]);
  });
});

test('while the gateway’s database is away, known keys go on, others get 503, and nothing is changed unseen', async () => {
  const { key, call } = await makeKey(['*']);
  const codes = await makeCodes(service, 2);
  const phone = newPhone();
  const { id: wallet } = (await admin('POST', '/v1/wallets', { phone })).body;
  expect((await call('GET', '/v1/wallets')).status).toBe(200);
  const heal = await breakDatabase(world, 'gateway');
  try {
    for (const code of codes) expect((await call('POST', '/v1/redemptions', { code, phone })).status).toBe(201);
    // For longer than an answer of the database holds.
    const end = performance.now() + 1_500;
    while (performance.now() < end) expect((await call('GET', '/v1/wallets')).status).toBe(200);
    const unknown = holderOf('vs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
    for (const answer of [await unknown('GET', '/v1/wallets'), await holderOf(key, other)('GET', '/v1/wallets')]) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    }
    expect((await call('POST', `/v1/wallets/${wallet}/credits`, { amount: usd(5) })).status).toBe(503);
    expect((await admin('PATCH', `/v1/wallets/${wallet}`, { state: 'frozen' })).status).toBe(503);
    expect((await admin('GET', `/v1/code-groups/${randomUUID()}/codes`)).status).toBe(404);
    expect((await admin('POST', '/v1/codes/lookup', { code: codes[0] })).status).toBe(503);
  } finally {
    await heal();
  }
  expect((await admin('GET', `/v1/wallets/${wallet}`)).body).toMatchObject({ state: 'active', balance: usd(2_000) });
  expect(await auditOf(`resource=${wallet}`)).toHaveLength(1);
  await until(async () => (await holderOf(key, other)('GET', '/v1/wallets')).status === 200);
});

import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { assertDocumented, document } from './documented.ts';
import { createWorld, forFile, makeCodes, newPhone, startIn, until } from './harness.ts';
import { answerWith, startReceiver } from './receiver.ts';

const world = await forFile(createWorld());
const receiver = await forFile(startReceiver());
const service = await forFile(startIn(world, { VOUCHSAFE_WEBHOOKS_PRIVATE: 'true' }));

const usd = (value: number) => ({ value, currency: 'USD' });
/** Sends a request; the harness holds every answer against the document. */
const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  service.call(method, path, body, headers);
const made = async (path: string, body: unknown): Promise<string> => (await call('POST', path, body)).body.id;
const newGroup = () => made('/v1/code-groups', { name: 'Eid', amount: usd(1_000), count: 2 });
const newKey = () => made('/v1/api-keys', { name: 'till', scopes: ['wallets:read'] });
const newWallet = () => made('/v1/wallets', { phone: newPhone() });
const newEndpoint = () => made('/v1/webhook-endpoints', { url: receiver.url, event_types: ['redemption.reversed'] });
const redeemed = async () => {
  const [code] = await makeCodes(service, 1);
  return await made('/v1/redemptions', { code, phone: newPhone() });
};
const reversed = async () => {
  const id = await redeemed();
  await call('POST', `/v1/redemptions/${id}/reverse`, { reason: 'refund', code: 'free' });
  await until(async () => (await call('GET', `/v1/redemptions/${id}`)).body.state === 'reversed');
  return id;
};
/** A redemption that waits for its wallet, which somebody has locked. */
const stuck = async () => {
  const phone = newPhone();
  const [code] = await makeCodes(service, 1);
  const wallet = await made('/v1/wallets', { phone });
  const client = await world.wallet.connect();
  await client.query('begin');
  await client.query('select from wallets where id = $1 for update', [wallet]);
  const { body } = await call('POST', '/v1/redemptions', { code, phone }, { Prefer: 'wait=0' });
  return {
    id: body.id as string,
    async free() {
      await client.query('rollback');
      client.release();
    },
  };
};
const delivered = async () => {
  const endpoint = await newEndpoint();
  receiver.answer = answerWith(500);
  const { body } = await call('POST', `/v1/webhook-endpoints/${endpoint}/test`);
  receiver.answer = answerWith(204);
  return body.id as string;
};
const background = () => made('/v1/code-groups', { name: 'Many', amount: usd(1), count: 1_001 });

/** Each operation at work: what it answers when all is well. */
const works: Record<string, () => Promise<{ status: number }>> = {
  'POST /v1/redemptions': async () => {
    const [code] = await makeCodes(service, 1);
    return await call('POST', '/v1/redemptions', { code, phone: newPhone(), reference: 'order-1' });
  },
  'GET /v1/redemptions': async () => {
    await redeemed();
    return await call('GET', '/v1/redemptions');
  },
  'GET /v1/redemptions/{id}': async () => call('GET', `/v1/redemptions/${await redeemed()}`),
  'GET /v1/redemptions/{id}/timeline': async () => call('GET', `/v1/redemptions/${await reversed()}/timeline`),
  'POST /v1/redemptions/{id}/abort': async () => {
    const { id, free } = await stuck();
    const answer = await call('POST', `/v1/redemptions/${id}/abort`, { reason: 'fraud' }, { Prefer: 'wait=0' });
    await free();
    return answer;
  },
  'POST /v1/redemptions/{id}/retry': async () => call('POST', `/v1/redemptions/${await redeemed()}/retry`, {}),
  'POST /v1/redemptions/{id}/reverse': async () =>
    call('POST', `/v1/redemptions/${await redeemed()}/reverse`, { reason: 'refund', code: 'void' }),
  'POST /v1/redemptions/retry': () => call('POST', '/v1/redemptions/retry', { step: 'credit' }),
  'POST /v1/code-checks': async () => call('POST', '/v1/code-checks', { code: (await makeCodes(service, 1))[0] }),
  'POST /v1/code-groups': () =>
    call('POST', '/v1/code-groups', {
      name: 'Eid',
      amount: usd(1_000),
      count: 2,
      prefix: 'EID',
      starts_at: '2026-01-31T08:00:00Z',
      ends_at: '2099-02-28T08:00:00+03:30',
      per_wallet_limit: 1,
      budget: usd(5_000),
      metadata: { campaign: 7 },
    }),
  'GET /v1/code-groups': async () => {
    await background();
    return await call('GET', '/v1/code-groups');
  },
  'GET /v1/code-groups/{id}': async () => call('GET', `/v1/code-groups/${await background()}`),
  'PATCH /v1/code-groups/{id}': async () => call('PATCH', `/v1/code-groups/${await newGroup()}`, { name: 'Nowruz' }),
  'POST /v1/code-groups/{id}/cancel-generation': async () => {
    const id = await made('/v1/code-groups', { name: 'Many', amount: usd(1), count: 1_000_000 });
    return await call('POST', `/v1/code-groups/${id}/cancel-generation`);
  },
  'GET /v1/code-groups/{id}/stats': async () => {
    const { body } = await call('GET', `/v1/redemptions/${await redeemed()}`);
    return await call('GET', `/v1/code-groups/${body.code.group_id}/stats`);
  },
  'GET /v1/code-groups/{id}/codes': async () => call('GET', `/v1/code-groups/${await newGroup()}/codes`),
  'POST /v1/code-groups/{id}/codes': async () => {
    const path = `/v1/code-groups/${await newGroup()}/codes`;
    await call('POST', path, { count: 2 });
    const csv = `code,max_redemptions\n${randomBytes(6).toString('hex')},3\n!,1\n`;
    return await call('POST', path, csv, { 'Content-Type': 'text/csv' });
  },
  'GET /v1/code-groups/{id}/codes.csv': async () => call('GET', `/v1/code-groups/${await newGroup()}/codes.csv`),
  'GET /v1/code-groups/{id}/redeemers': async () => {
    const { body } = await call('GET', `/v1/redemptions/${await redeemed()}`);
    return await call('GET', `/v1/code-groups/${body.code.group_id}/redeemers`);
  },
  'GET /v1/codes/{id}': async () => {
    const { body } = await call('GET', `/v1/redemptions/${await redeemed()}`);
    return await call('GET', `/v1/codes/${body.code.id}`);
  },
  'POST /v1/codes/lookup': async () => call('POST', '/v1/codes/lookup', { code: (await makeCodes(service, 1))[0] }),
  'PATCH /v1/codes/{id}': async () => {
    const { body } = await call('GET', `/v1/redemptions/${await redeemed()}`);
    return await call('PATCH', `/v1/codes/${body.code.id}`, { disabled: true });
  },
  'POST /v1/wallets': () => call('POST', '/v1/wallets', { phone: newPhone() }),
  'GET /v1/wallets': async () => {
    await newWallet();
    return await call('GET', '/v1/wallets');
  },
  'GET /v1/wallets/{wallet}': async () => call('GET', `/v1/wallets/${await newWallet()}`),
  'PATCH /v1/wallets/{wallet}': async () => call('PATCH', `/v1/wallets/${await newWallet()}`, { state: 'frozen' }),
  'POST /v1/wallets/{wallet}/credits': async () =>
    call('POST', `/v1/wallets/${await newWallet()}/credits`, {
      amount: usd(5),
      reference: randomUUID(),
      note: 'sorry',
    }),
  'POST /v1/wallets/{wallet}/debits': async () => {
    const wallet = await newWallet();
    await call('POST', `/v1/wallets/${wallet}/credits`, { amount: usd(5) });
    return await call('POST', `/v1/wallets/${wallet}/debits`, { amount: usd(5) });
  },
  'GET /v1/wallets/{wallet}/transactions': async () => {
    const { body } = await call('GET', `/v1/redemptions/${await reversed()}`);
    return await call('GET', `/v1/wallets/${body.wallet.id}/transactions`);
  },
  'POST /v1/api-keys': () => call('POST', '/v1/api-keys', { name: 'till', scopes: ['*'] }),
  'GET /v1/api-keys': async () => {
    await newKey();
    return await call('GET', '/v1/api-keys');
  },
  'GET /v1/api-keys/{id}': async () => call('GET', `/v1/api-keys/${await newKey()}`),
  'POST /v1/api-keys/{id}/rotate': async () => call('POST', `/v1/api-keys/${await newKey()}/rotate`),
  'DELETE /v1/api-keys/{id}': async () => call('DELETE', `/v1/api-keys/${await newKey()}`),
  'GET /v1/audit-log': async () => {
    await newKey();
    return await call('GET', '/v1/audit-log');
  },
  'POST /v1/webhook-endpoints': () =>
    call('POST', '/v1/webhook-endpoints', { url: receiver.url, event_types: ['redemption.reversed'] }),
  'GET /v1/webhook-endpoints': async () => {
    await newEndpoint();
    return await call('GET', '/v1/webhook-endpoints');
  },
  'GET /v1/webhook-endpoints/{id}': async () => call('GET', `/v1/webhook-endpoints/${await newEndpoint()}`),
  'PATCH /v1/webhook-endpoints/{id}': async () =>
    call('PATCH', `/v1/webhook-endpoints/${await newEndpoint()}`, { disabled: true }),
  'DELETE /v1/webhook-endpoints/{id}': async () => call('DELETE', `/v1/webhook-endpoints/${await newEndpoint()}`),
  'POST /v1/webhook-endpoints/{id}/test': async () => call('POST', `/v1/webhook-endpoints/${await newEndpoint()}/test`),
  'POST /v1/webhook-endpoints/{id}/rotate-secret': async () =>
    call('POST', `/v1/webhook-endpoints/${await newEndpoint()}/rotate-secret`),
  'GET /v1/webhook-endpoints/{id}/deliveries': async () => {
    const endpoint = await newEndpoint();
    await call('POST', `/v1/webhook-endpoints/${endpoint}/test`);
    return await call('GET', `/v1/webhook-endpoints/${endpoint}/deliveries`);
  },
  'GET /v1/webhook-deliveries/{id}': async () => call('GET', `/v1/webhook-deliveries/${await delivered()}`),
  'POST /v1/webhook-deliveries/{id}/retry': async () =>
    call('POST', `/v1/webhook-deliveries/${await delivered()}/retry`),
  'GET /v1/diagnostics': () => call('GET', '/v1/diagnostics'),
  'GET /v1/outbox': () => call('GET', '/v1/outbox'),
  'POST /v1/outbox/replay': () =>
    call('POST', '/v1/outbox/replay', { part: 'wallet', from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' }),
  'POST /v1/reconciliations': () => call('POST', '/v1/reconciliations', undefined, { Prefer: 'wait=30' }),
  'GET /v1/reconciliations': async () => {
    await call('POST', '/v1/reconciliations');
    return await call('GET', '/v1/reconciliations');
  },
  'GET /v1/reconciliations/{id}': async () =>
    call('GET', `/v1/reconciliations/${await made('/v1/reconciliations', {})}`),
};
const described = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
);

test('every operation of the document is called here', () => {
  expect(Object.keys(works).sort()).toEqual(described.toSorted());
});

describe.each(described)('%s', (name) => {
  test('answers as the document says', async () => {
    const answer = await works[name]?.();
    expect([200, 201, 202, 204]).toContain(answer?.status);
  });
});

test('an accepted redemption without a row, a stuck one and background codes are as the document says', async () => {
  const { id, free } = await stuck();
  await call('GET', `/v1/redemptions/${id}`);
  await free();
  await until(async () => (await call('GET', `/v1/redemptions/${id}`)).body.state === 'completed');
  const { body } = await call('GET', `/v1/code-groups/${await background()}`);
  expect(body.generation.total).toBe(1_001);
});

test('an answer that is not as documented is noticed', async () => {
  const url = `${service.url}/v1/wallets/${randomUUID()}`;
  const good = { id: randomUUID(), phone: '+1', balance: usd(1), state: 'active', created_at: '2026-01-31T08:00:00Z' };
  const json = { 'Content-Type': 'application/json' };
  const hold =
    (status: number, body: unknown, headers: Record<string, string> = {}) =>
    () =>
      assertDocumented('GET', url, status, new Headers({ ...json, ...headers }), body);
  expect(hold(200, good)).not.toThrow();
  expect(hold(200, { ...good, more: 1 })).toThrow('additional properties');
  expect(hold(200, { ...good, state: 'lost' })).toThrow('allowed values');
  expect(hold(200, { ...good, balance: undefined })).toThrow('required');
  expect(hold(200, good, { 'Request-Id': randomUUID() })).not.toThrow();
  expect(hold(200, good, { Location: url })).toThrow('answered 200 with location, which is not documented');
  expect(hold(201, good)).toThrow('answered 201, which is not documented');
});

test('what clients are made from: limits are integers, and a body that may be left out is optional', () => {
  const limit = { type: 'integer', minimum: 1, maximum: 200, description: '50 where it is left out' };
  expect(document.paths).toMatchObject({
    '/v1/redemptions': {
      get: { parameters: expect.arrayContaining([expect.objectContaining({ name: 'limit', schema: limit })]) },
      post: { requestBody: { required: true } },
    },
    '/v1/redemptions/{id}/retry': { post: { requestBody: { required: false } } },
  });
});

test('what was heeded of Prefer is told by what waits, and by nothing else', async () => {
  const applied = async (path: string) =>
    (await call('GET', path, undefined, { Prefer: 'wait=1' })).headers.get('Preference-Applied');
  expect(await applied(`/v1/redemptions/${await redeemed()}`)).toBe('wait=1');
  expect(await applied(`/v1/wallets/${await newWallet()}`)).toBeNull();
});

test('codes made in the background: when to look again, and nothing is to be kept by others', async () => {
  const group = { name: 'Eid', amount: usd(1_000), count: 1_001 };
  const { status, headers, body } = await call('POST', '/v1/code-groups', group);
  expect([status, headers.get('Retry-After'), headers.get('Cache-Control')]).toEqual([202, '1', 'no-store']);
  await until(async () => (await call('GET', `/v1/code-groups/${body.id}`)).body.generation.state === 'done');
  const added = await call('POST', `/v1/code-groups/${body.id}/codes`, { count: 1_001 });
  expect([added.status, added.headers.get('Retry-After')]).toEqual([202, '1']);
  await until(async () => (await call('GET', `/v1/code-groups/${body.id}`)).body.generation.state === 'done');
});

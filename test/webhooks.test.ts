import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connect } from 'nats';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayDatabase } from '../domains/gateway/database.ts';
import { removeOldWebhookDeliveries } from '../domains/gateway/remove-old-webhook-deliveries.ts';
import { readConfig } from '../platform/config.ts';
import { startNats } from '../platform/local/index.ts';
import {
  type ApiAnswer,
  createWorld,
  forFile,
  makeCodes,
  newPhone,
  startIn,
  type TestService,
  type TestWorld,
  until,
} from './harness.ts';
import { answerWith, type ReceivedWebhook, type Receiver, startReceiver } from './receiver.ts';

const SETTINGS = {
  VOUCHSAFE_WEBHOOKS_PRIVATE: 'true',
  // All is in this one process: an attempt may have to wait for it.
  VOUCHSAFE_WEBHOOKS_TIMEOUT_MS: '5000',
  // The third attempt is far away: a test that wants it asks for it.
  VOUCHSAFE_WEBHOOKS_BACKOFF_MS: '1,3600000',
};

const world = await forFile(createWorld());
const service = await forFile(startIn(world, SETTINGS));
const other = await forFile(startIn(world, SETTINGS));
let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const { id } of (await service.call('GET', '/v1/webhook-endpoints')).body.items) {
    await service.call('DELETE', `/v1/webhook-endpoints/${id}`);
  }
  await receiver.close();
});

async function makeEndpoint(eventTypes: string[] = ['*'], path = `/${randomUUID()}`) {
  const { status, body } = await service.call('POST', '/v1/webhook-endpoints', {
    url: receiver.url + path,
    event_types: eventTypes,
  });
  expect(status).toBe(201);
  return { id: body.id as string, secret: body.secret as string, path, url: `/v1/webhook-endpoints/${body.id}` };
}
type Endpoint = Awaited<ReturnType<typeof makeEndpoint>>;

const deliveriesOf = async ({ url }: Endpoint, query = ''): Promise<ApiAnswer['body'][]> =>
  (await service.call('GET', `${url}/deliveries?limit=200${query}`)).body.items;
const onlyDelivery = async (endpoint: Endpoint, state: string) =>
  until(async () => {
    const [delivery, more] = await deliveriesOf(endpoint);
    expect(more).toBeUndefined();
    return delivery?.state === state && delivery.last_status !== undefined && delivery;
  });
const typesAt = (path: string) =>
  receiver
    .at(path)
    .map(({ event }) => event.type)
    .sort();
async function redeem(at = service): Promise<void> {
  const [code] = await makeCodes(service, 1);
  const answer = await at.call('POST', '/v1/redemptions', { code, phone: newPhone() });
  expect(answer.body.state).toBe('completed');
}
const verify = (secret: string, { headers, body }: ReceivedWebhook) =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

describe('events are delivered', () => {
  test('as the stream has them, each once, although two processes work, signed so that Standard Webhooks verifies it', async () => {
    const endpoint = await makeEndpoint();
    for (let index = 0; index < 20; index++) await redeem(index % 2 ? service : other);
    await until(async () => receiver.at(endpoint.path).length >= 20 * 5);
    await until(async () => (await deliveriesOf(endpoint)).every(({ state }) => state === 'delivered'));
    const events = new Map((await world.events()).map((event) => [event.id, event]));
    const got = receiver.at(endpoint.path);
    const ids = got.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(typesAt(endpoint.path))).toEqual(
      new Set([
        'code_group.created',
        'wallet.created',
        'redemption.reserved',
        'wallet.credited',
        'redemption.completed',
      ]),
    );
    for (const webhook of got) {
      expect(webhook.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
      expect(webhook.headers['webhook-id']).toBe(webhook.event.id);
      expect(verify(endpoint.secret, webhook)).toEqual(events.get(webhook.event.id));
      expect(() => verify(endpoint.secret, { ...webhook, body: webhook.body.replace('1.0', '1.1') })).toThrow();
    }
    const kept = await world.gateway.query('select body from webhook_deliveries where body is not null');
    expect(kept.rows).toEqual([]);
  });

  test('of the types asked for only, and of the time since the endpoint is there', async () => {
    await redeem();
    const some = await makeEndpoint(['redemption.completed', 'code_group.created']);
    const all = await makeEndpoint();
    await redeem();
    await until(async () => receiver.at(all.path).length === 5 && receiver.at(some.path).length === 2);
    expect(typesAt(some.path)).toEqual(['code_group.created', 'redemption.completed']);
    await service.call('PATCH', some.url, { event_types: ['redemption.reserved'] });
    await redeem();
    await until(async () => receiver.at(all.path).length === 10 && receiver.at(some.path).length === 3);
    expect(typesAt(some.path)).toEqual(['code_group.created', 'redemption.completed', 'redemption.reserved']);
  });

  test('nothing that a code or a phone could be read from', async () => {
    const endpoint = await makeEndpoint();
    const [code = ''] = await makeCodes(service, 1);
    const phone = newPhone();
    await service.call('POST', '/v1/redemptions', { code, phone });
    await service.call('POST', `/v1/wallets/${phone}/credits`, { amount: { value: 1, currency: 'USD' } });
    await until(async () => receiver.at(endpoint.path).length === 6);
    const text = receiver.received.map(({ body, headers }) => body + JSON.stringify(headers)).join();
    for (const secret of [code, code.replaceAll('-', ''), phone, phone.slice(4), endpoint.secret]) {
      expect(text).not.toContain(secret);
    }
  });

  test('again, by NATS, that are here already: nothing is sent twice', async () => {
    const endpoint = await makeEndpoint(['redemption.completed']);
    await redeem();
    await onlyDelivery(endpoint, 'delivered');
    // Everything since the endpoint is there is read again.
    const nats = await connect({ servers: world.urls.nats });
    const manager = await nats.jetstreamManager();
    await manager.consumers.delete('VOUCHSAFE', 'webhooks');
    await until(async () => {
      const info = await manager.consumers.info('VOUCHSAFE', 'webhooks').catch(() => undefined);
      return info && info.ack_floor.consumer_seq >= 5 && info.num_pending === 0 && info.num_ack_pending === 0;
    });
    await nats.close();
    expect(await deliveriesOf(endpoint)).toHaveLength(1);
    expect(receiver.at(endpoint.path)).toHaveLength(1);
  });

  test('of the time while NATS was away, when it is back', async () => {
    const endpoint = await makeEndpoint(['redemption.completed']);
    await redeem();
    await until(async () => receiver.at(endpoint.path).length === 1);
    await world.nats.stop();
    await redeem();
    expect(receiver.at(endpoint.path)).toHaveLength(1);
    world.nats = await startNats({ directory: join(world.home, 'nats'), port: world.nats.port });
    await until(async () => receiver.at(endpoint.path).length === 2);
  });
});

describe('outside local mode', () => {
  let strict: TestWorld;
  let outside: TestService;
  beforeAll(async () => {
    strict = await createWorld();
    outside = await startIn(strict, { VOUCHSAFE_WEBHOOKS_BACKOFF_MS: '3600000' });
  });
  afterAll(async () => {
    await outside?.close();
    await strict?.close();
  });

  test('no connection is made to an address of our own networks, whatever its name', async () => {
    let connections = 0;
    const server = createServer().on('connection', () => connections++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const make = (url: string) => outside.call('POST', '/v1/webhook-endpoints', { url, event_types: ['*'] });
    const named = await make(`https://localhost:${port}/`);
    expect(named.status).toBe(201);
    const sent = await outside.call('POST', `/v1/webhook-endpoints/${named.body.id}/test`);
    expect(sent.body).toMatchObject({ state: 'pending', last_error: 'the address is not a public one' });
    for (const url of [`https://127.0.0.1:${port}/`, `http://localhost:${port}/`]) {
      expect((await make(url)).body).toMatchObject({ code: 'invalid-request', errors: [{ pointer: '/url' }] });
    }
    // One from the time when it was allowed.
    await strict.gateway.query('update webhook_endpoints set url = $1', [`https://127.0.0.1:${port}/`]);
    const again = await outside.call('POST', `/v1/webhook-endpoints/${named.body.id}/test`);
    expect(again.body.last_error).toBe('the address is not a public one');
    expect(connections).toBe(0);
    server.close();
  });

  test('is anywhere but on a machine that has all to itself', () => {
    const allowed = (environment: Record<string, string>) => readConfig(environment).webhooks.allowPrivate;
    const elsewhere = { GATEWAY_DATABASE_URL: 'postgres://db/gateway' };
    expect(allowed({})).toBe(true);
    expect(allowed({ VOUCHSAFE_WEBHOOKS_PRIVATE: 'false' })).toBe(false);
    expect(allowed({ VOUCHSAFE_HOST: '0.0.0.0' })).toBe(false);
    expect(allowed(elsewhere)).toBe(false);
    expect(allowed({ ...elsewhere, VOUCHSAFE_WEBHOOKS_PRIVATE: 'true' })).toBe(true);
  });
});

test('a delivery is tried for a day before it is dead', () => {
  const { backoffMs } = readConfig({}).webhooks;
  const hours = backoffMs.reduce((sum, ms) => sum + ms, 0) / 3_600_000;
  expect(hours).toBeGreaterThan(23);
  expect(hours).toBeLessThan(25);
});

describe('while nobody wants events', () => {
  test('there is no consumer', async () => {
    const nats = await connect({ servers: world.urls.nats });
    const manager = await nats.jetstreamManager();
    const consumers = async () => (await manager.consumers.list('VOUCHSAFE').next()).map(({ name }) => name);
    await until(async () => (await consumers()).length === 0);
    const endpoint = await makeEndpoint();
    await until(async () => (await consumers()).includes('webhooks'));
    await service.call('PATCH', endpoint.url, { disabled: true });
    await until(async () => (await consumers()).length === 0);
    await nats.close();
  });
});

describe('an endpoint that fails', () => {
  test('is asked again, until it is dead; a dead letter is listed, and sent again by hand', async () => {
    receiver.answer = answerWith(500);
    const endpoint = await makeEndpoint(['redemption.completed']);
    await redeem();
    await until(async () => receiver.at(endpoint.path).length === 2);
    const waiting = await until(async () => (await deliveriesOf(endpoint)).find(({ attempts }) => attempts === 2));
    const retry = () => service.call('POST', `/v1/webhook-deliveries/${waiting.id}/retry`);
    expect((await retry()).body).toMatchObject({ id: waiting.id, state: 'pending' });
    const dead = await onlyDelivery(endpoint, 'dead');
    expect(dead).toMatchObject({ attempts: 3, last_status: 500, last_error: null, next_attempt_at: null });
    expect(await deliveriesOf(endpoint, '&state=dead')).toEqual([dead]);
    expect(await deliveriesOf(endpoint, '&state=delivered')).toEqual([]);
    expect(new Set(receiver.at(endpoint.path).map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set([dead.event_id]),
    );

    receiver.answer = answerWith(204);
    expect((await retry()).body).toMatchObject({ state: 'pending', attempts: 0 });
    const delivered = await onlyDelivery(endpoint, 'delivered');
    expect(delivered).toMatchObject({ attempts: 1, last_status: 204 });
    expect(await retry()).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(receiver.at(endpoint.path)).toHaveLength(4);
    const audit = await service.call('GET', `/v1/audit-log?resource=${waiting.id}`);
    expect(audit.body.items).toMatchObject([
      { before: { state: 'dead', attempts: 3 }, after: { state: 'pending', attempts: 0 } },
      { before: { state: 'pending', attempts: 2 } },
    ]);
  });

  test('or is slow holds back no other', async () => {
    const held: (() => void)[] = [];
    const slow = await makeEndpoint(['redemption.completed']);
    const dead = await makeEndpoint(['redemption.completed']);
    await service.call('PATCH', dead.url, { url: 'http://127.0.0.1:1/' });
    const healthy = await makeEndpoint(['redemption.completed']);
    receiver.answer = ({ path }, response) => {
      if (path === slow.path) held.push(() => response.end());
      else response.end();
    };
    for (let index = 0; index < 12; index++) await redeem();
    await until(async () => receiver.at(healthy.path).length === 12);
    const states = async (endpoint: Endpoint) => (await deliveriesOf(endpoint)).map(({ state }) => state);
    expect(await states(slow)).toEqual(Array(12).fill('pending'));
    const [refused] = await until(async () => {
      const all = await deliveriesOf(dead);
      return all.length === 12 && all.every(({ last_error: error }) => error !== null) && all;
    });
    expect(refused.last_error).toContain('ECONNREFUSED');
    for (const release of held) release();
  });

  test('has received what it answers with 2xx, though its answer does not end', async () => {
    const endpoint = await makeEndpoint(['redemption.completed']);
    receiver.answer = (_, response) => void response.writeHead(200).write('and ');
    await redeem();
    expect(await onlyDelivery(endpoint, 'delivered')).toMatchObject({ attempts: 1, last_status: 200 });
  });

  test('with 410 is disabled; what waits is sent when it is enabled again', async () => {
    receiver.answer = answerWith(500);
    const endpoint = await makeEndpoint(['redemption.completed', 'code_group.created']);
    await makeCodes(service, 1);
    // An attempt is counted before it is answered.
    await until(async () => receiver.at(endpoint.path).length === 2);
    const waiting = await until(async () => (await deliveriesOf(endpoint)).find(({ attempts }) => attempts === 2));
    receiver.answer = answerWith(410);
    await world.gateway.query(
      `insert into webhook_deliveries (endpoint_id, event_id, event_type, body) values ($1, 'late', 'wallet.frozen', '{}')`,
      [endpoint.id],
    );
    const dead = await until(async () => (await deliveriesOf(endpoint, '&state=dead'))[0]);
    expect(dead).toMatchObject({ event_id: 'late', last_status: 410, attempts: 1 });
    const { body } = await service.call('GET', endpoint.url);
    expect(body).toMatchObject({ disabled: true, disabled_reason: 'gone', disabled_at: expect.any(String) });
    expect(await service.call('POST', `${endpoint.url}/test`)).toMatchObject({ status: 409 });
    expect(await service.call('POST', `/v1/webhook-deliveries/${dead.id}/retry`)).toMatchObject({ status: 409 });
    const sent = receiver.at(endpoint.path).length;

    receiver.answer = answerWith(204);
    const due = 'update webhook_deliveries set next_attempt_at = now(), claimed_until = null where id = $1';
    await world.gateway.query(due, [waiting.id]);
    const enabled = await service.call('PATCH', endpoint.url, { disabled: false });
    expect(enabled.body).toMatchObject({ disabled: false, disabled_reason: null, disabled_at: null });
    await until(async () => (await deliveriesOf(endpoint, '&state=delivered')).some(({ id }) => id === waiting.id));
    expect(receiver.at(endpoint.path)).toHaveLength(sent + 1);
  });

  test.each<[string, string, { disabled?: boolean }[]]>([
    ['moved', '-new', [{}]],
    ['enabled anew', '', [{ disabled: true }, { disabled: false }]],
  ])('with 410 is not disabled where it was %s meanwhile, and gets what it did not take', async (_, moved, changes) => {
    const held: (() => void)[] = [];
    receiver.answer = (_, response) => void held.push(() => response.writeHead(410).end());
    const endpoint = await makeEndpoint(['code_group.created']);
    await makeCodes(service, 1);
    await until(async () => held.length === 1);
    receiver.answer = answerWith(204);
    const path = endpoint.path + moved;
    for (const change of changes) await service.call('PATCH', endpoint.url, { url: receiver.url + path, ...change });
    held[0]?.();
    const delivered = await until(async () => (await deliveriesOf(endpoint, '&state=delivered'))[0]);
    expect(delivered).toMatchObject({ attempts: 2, last_status: 204 });
    expect(receiver.at(path).at(-1)?.event.id).toBe(delivered.event_id);
    expect((await service.call('GET', endpoint.url)).body.disabled).toBe(false);
  });

  test('by a redirect is not followed; by asking for time it is given some', async () => {
    const elsewhere = await startReceiver();
    try {
      receiver.answer = answerWith(302, { Location: elsewhere.url });
      const endpoint = await makeEndpoint([`redemption.completed`]);
      await redeem();
      await until(async () => (await deliveriesOf(endpoint))[0]?.last_status === 302);
      expect(elsewhere.received).toEqual([]);

      receiver.answer = answerWith(503, { 'Retry-After': '1800' });
      const patient = await makeEndpoint(['code_group.created']);
      await makeCodes(service, 1);
      const delivery = await until(async () => (await deliveriesOf(patient)).find((one) => one.last_status === 503));
      const { rows } = await world.gateway.query(
        `select extract(epoch from next_attempt_at - now())::float8 as seconds from webhook_deliveries where id = $1`,
        [delivery.id],
      );
      expect(delivery.attempts).toBe(1);
      expect(rows[0].seconds).toBeGreaterThan(1_500);
      expect(rows[0].seconds).toBeLessThanOrEqual(1_800);
    } finally {
      await elsewhere.close();
    }
  });

  test('by never answering is given up', async () => {
    receiver.answer = () => undefined;
    const endpoint = await makeEndpoint(['code_group.created']);
    await makeCodes(service, 1);
    await until(async () => (await deliveriesOf(endpoint))[0]?.last_error === 'no answer in time');
  });

  test('by answering without an end is heard as far as its status', async () => {
    receiver.answer = (_, response) => {
      response.writeHead(200);
      const send = () => {
        while (response.writable && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', send);
      send();
    };
    const endpoint = await makeEndpoint(['code_group.created']);
    await makeCodes(service, 1);
    expect(await onlyDelivery(endpoint, 'delivered')).toMatchObject({ last_status: 200 });
  });
});

describe('a secret', () => {
  test('is rotated: both are valid for a day, then the new one alone', async () => {
    const endpoint = await makeEndpoint(['code_group.created']);
    const rotated = await service.call('POST', `${endpoint.url}/rotate-secret`);
    expect(rotated).toMatchObject({ status: 200, body: { id: endpoint.id } });
    const { secret } = rotated.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(secret).not.toBe(endpoint.secret);
    const next = async () => {
      const { length } = receiver.at(endpoint.path);
      await makeCodes(service, 1);
      return until(async () => receiver.at(endpoint.path)[length]);
    };
    const both = await next();
    verify(endpoint.secret, both);
    verify(secret, both);
    const { rows } = await world.gateway.query(
      `select expires_at from webhook_secrets
       where endpoint_id = $1 and expires_at between now() + interval '23 hours' and now() + interval '24 hours'`,
      [endpoint.id],
    );
    expect(rows).toHaveLength(1);
    await world.gateway.query('update webhook_secrets set expires_at = now() where expires_at is not null');
    const one = await next();
    expect(() => verify(endpoint.secret, one)).toThrow();
    verify(secret, one);
  });

  test('is nowhere in clear, and shown again only to a repeat of the request that made it', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const request = { url: `${receiver.url}/repeat`, event_types: ['wallet.created', 'code.updated'] };
    const make = (body: object) => service.call('POST', '/v1/webhook-endpoints', body, headers);
    const made = await make(request);
    expect(made.body).toEqual({
      id: expect.any(String),
      secret: expect.stringMatching(/^whsec_/),
      url: request.url,
      event_types: ['code.updated', 'wallet.created'],
      disabled: false,
      disabled_reason: null,
      disabled_at: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    const again = await make(request);
    expect(again.body).toEqual(made.body);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    expect((await make({ ...request, event_types: ['*'] })).body.code).toBe('idempotency-key-reused');
    const { secret: _, ...shown } = made.body;
    const path = `/v1/webhook-endpoints/${made.body.id}`;
    expect((await service.call('GET', path)).body).toEqual(shown);
    await service.call('PATCH', path, { event_types: ['*'] });
    expect(await make(request)).toMatchObject({ status: 201, body: { id: made.body.id, event_types: ['*'] } });
    expect((await make({ ...request, event_types: ['*'] })).body.code).toBe('idempotency-key-reused');

    const rotate = () => service.call('POST', `${path}/rotate-secret`, undefined, headers);
    const rotated = await rotate();
    expect((await rotate()).body).toEqual(rotated.body);
    const { rows } = await world.gateway.query('select row_to_json(s)::text as text from webhook_secrets s');
    const audit = JSON.stringify((await service.call('GET', `/v1/audit-log?resource=${made.body.id}`)).body);
    for (const { secret } of [made.body, rotated.body]) {
      const bytes = Buffer.from(secret.slice(6), 'base64').toString('hex');
      for (const text of [...rows.map((row) => row.text), audit]) {
        expect(text).not.toContain(bytes);
        expect(text).not.toContain(secret);
      }
    }
    expect((await service.call('DELETE', path)).status).toBe(204);
    expect((await service.call('GET', path)).status).toBe(404);
    expect((await service.call('GET', `${path}/deliveries`)).status).toBe(404);
    expect((await make(request)).body.code).toBe('conflict');
  });
});

test('what docs/webhooks.md shows verifies a delivery, and nothing else', async () => {
  const [, example = ''] = /```js\n([\s\S]*?)```/.exec(await readFile('docs/webhooks.md', 'utf8')) ?? [];
  const file = join(world.home, 'verify.mjs');
  await writeFile(file, example);
  const documented = (await import(pathToFileURL(file).href)).verify;
  const endpoint = await makeEndpoint();
  await service.call('POST', `${endpoint.url}/rotate-secret`);
  await service.call('POST', `${endpoint.url}/test`);
  const [webhook] = receiver.at(endpoint.path);
  if (!webhook) throw new Error('nothing came');
  const { headers, body } = webhook;
  expect(documented(endpoint.secret, headers, body)).toEqual(webhook.event);
  expect(() => documented(endpoint.secret, headers, `${body} `)).toThrow('does not fit');
  expect(() => documented(`whsec_${btoa('another')}`, headers, body)).toThrow('does not fit');
  expect(() => documented(endpoint.secret, { ...headers, 'webhook-id': 'another' }, body)).toThrow('does not fit');
  expect(() => documented(endpoint.secret, { ...headers, 'webhook-timestamp': '1' }, body)).toThrow('too old');
});

test('a test event is sent at once and answers what came of it', async () => {
  const endpoint = await makeEndpoint(['wallet.frozen']);
  const headers = { 'Idempotency-Key': randomUUID() };
  const send = () => service.call('POST', `${endpoint.url}/test`, undefined, headers);
  const sent = await send();
  expect(sent).toMatchObject({
    status: 201,
    body: { endpoint_id: endpoint.id, event_type: 'webhook.test', state: 'delivered', attempts: 1, last_status: 204 },
  });
  const [webhook] = receiver.at(endpoint.path);
  expect(webhook && verify(endpoint.secret, webhook)).toMatchObject({
    id: sent.body.event_id,
    type: 'webhook.test',
    data: { webhook_endpoint_id: endpoint.id },
  });
  expect((await send()).body).toEqual(sent.body);
  await service.call('PATCH', endpoint.url, { disabled: true });
  expect((await send()).body).toEqual(sent.body);
  expect(await service.call('POST', `${endpoint.url}/test`)).toMatchObject({ status: 409 });
  await service.call('PATCH', endpoint.url, { disabled: false });
  receiver.answer = answerWith(500);
  const failed = await service.call('POST', `${endpoint.url}/test`);
  expect(failed.body).toMatchObject({ last_status: 500, state: 'pending' });
  expect(receiver.at(endpoint.path).length).toBeGreaterThanOrEqual(2);
});

test('deliveries are listed page by page, the newest first, while more come', async () => {
  receiver.answer = () => undefined;
  const endpoint = await makeEndpoint(['wallet.frozen']);
  const add = (from: number, to: number) =>
    world.gateway.query(
      `insert into webhook_deliveries (endpoint_id, event_id, event_type, body, next_attempt_at)
       select $1, n, 'wallet.frozen', '{}', now() + interval '1 hour' from generate_series($2::int, $3::int) n`,
      [endpoint.id, from, to],
    );
  await add(1, 7);
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = cursor && `&cursor=${cursor}`;
    const { body } = await service.call('GET', `${endpoint.url}/deliveries?limit=3&state=pending${query}`);
    seen.push(...body.items.map(({ event_id: id }: { event_id: string }) => id));
    if (cursor === '') await add(8, 9);
    cursor = body.next_cursor;
  }
  expect(seen.sort()).toEqual(['1', '2', '3', '4', '5', '6', '7']);
});

test('deliveries that ended long ago are removed, and those of endpoints that are deleted', async () => {
  const endpoint = await makeEndpoint(['code_group.created']);
  await makeCodes(service, 1);
  await onlyDelivery(endpoint, 'delivered');
  const remove = (keptMs: number) => removeOldWebhookDeliveries({ steps: world.gateway } as GatewayDatabase, keptMs);
  await remove(3_600_000);
  expect(await deliveriesOf(endpoint)).toHaveLength(1);
  await remove(0);
  expect(await deliveriesOf(endpoint)).toEqual([]);
  await makeCodes(service, 1);
  await onlyDelivery(endpoint, 'delivered');
  await service.call('DELETE', endpoint.url);
  await remove(3_600_000);
  const left = await world.gateway.query('select from webhook_deliveries where endpoint_id = $1', [endpoint.id]);
  expect(left.rowCount).toBe(0);
});

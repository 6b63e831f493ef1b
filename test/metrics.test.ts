import { expect, test } from 'vitest';
import { ADMIN_KEY, createWorld, forFile, makeCodes, makeCoupon, newPhone, startIn, until } from './harness.ts';

const world = await forFile(createWorld());
const LIMITS = { VOUCHSAFE_WRONG_CODES_PER_ADDRESS: '2', VOUCHSAFE_FIRST_LOCKOUT_MS: '300000' };
const service = await forFile(startIn(world, LIMITS));
/** It does no work of the other, which counts its own. */
const ownQueue = { TEMPORAL_TASK_QUEUE: `${world.taskQueue}-behind-proxy` };
const behindProxy = await forFile(startIn(world, { VOUCHSAFE_PROXIES: '1', ...ownQueue }));

const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$/;

/** Samples by name and labels, as they are written. Every line is read, by the grammar of the text format. */
async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`${service.url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const samples = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || /^# (HELP|TYPE) \S+ \S/.test(line)) continue;
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a sample: ${line}`);
    if (!/^(nan|[+-]inf)$/i.test(value ?? '')) expect(Number(value), line).not.toBeNaN();
    samples.set(name + labels, Number(value));
  }
  return samples;
}

test('what redemptions do is counted', async () => {
  const before = await scrape();
  const codes = await makeCodes(service, 2);
  const phone = newPhone();
  for (const code of codes) expect((await service.call('POST', '/v1/redemptions', { code, phone })).status).toBe(201);
  expect((await service.call('POST', '/v1/redemptions', { code: codes[0], phone: newPhone() })).status).toBe(409);

  const after = await scrape();
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  expect(grown('vouchsafe_redemptions_total{outcome="completed",reason=""}')).toBe(2);
  expect(grown('vouchsafe_redemptions_total{outcome="refused",reason="code-already-redeemed"}')).toBe(1);
  expect(grown('vouchsafe_redemption_batch_size_sum')).toBe(2);
  for (const step of ['queue', 'reserve', 'credit', 'confirm']) {
    expect(grown(`vouchsafe_redemption_step_duration_seconds_count{step="${step}"}`)).toBe(2);
    expect(grown(`vouchsafe_redemption_step_duration_seconds_sum{step="${step}"}`)).toBeGreaterThan(0);
  }
  const requests = (status: number) =>
    grown(`vouchsafe_http_request_duration_seconds_count{operation="POST /v1/redemptions",status="${status}"}`);
  expect([requests(201), requests(409)]).toEqual([2, 1]);
  expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  for (const dependency of ['gift-code', 'wallet', 'temporal']) {
    expect(after.get(`vouchsafe_breaker_open{dependency="${dependency}"}`)).toBe(0);
  }
});

test('an answer before the end is counted as pending, and as completed at the end', async () => {
  const before = await scrape();
  const [code] = await makeCodes(service, 1);
  const headers = { Prefer: 'wait=0' };
  expect((await service.call('POST', '/v1/redemptions', { code, phone: newPhone() }, headers)).status).toBe(202);
  const grown = async (outcome: string) => {
    const name = `vouchsafe_redemptions_total{outcome="${outcome}",reason=""}`;
    return ((await scrape()).get(name) ?? 0) - (before.get(name) ?? 0);
  };
  expect(await grown('pending')).toBe(1);
  await until(async () => (await grown('completed')) === 1);
});

test('what waits in the outbox is read when somebody asks', async () => {
  await until(async () => (await scrape()).get('vouchsafe_outbox_unpublished_events{part="wallet"}') === 0);
  await world.nats.stop();
  await service.call('POST', '/v1/wallets', { phone: newPhone() });
  const waiting = await scrape();
  expect(waiting.get('vouchsafe_outbox_unpublished_events{part="wallet"}')).toBe(1);
  await until(async () => ((await scrape()).get('vouchsafe_outbox_lag_seconds{part="wallet"}') ?? 0) > 0);
  expect(waiting.get('vouchsafe_webhook_deliveries{state="dead"}')).toBe(0);
});

test('what is alerted on is there before it happens', async () => {
  const samples = await scrape();
  for (const step of ['reserve', 'credit', 'confirm', 'void', 'release']) {
    expect(samples.get(`vouchsafe_redemptions_stuck_total{step="${step}"}`)).toBe(0);
  }
});

test('dead deliveries are counted while their endpoint is there and enabled', async () => {
  const dead = async () => (await scrape()).get('vouchsafe_webhook_deliveries{state="dead"}');
  const { body } = await service.call('POST', '/v1/webhook-endpoints', {
    url: 'https://example.com/hook',
    event_types: ['*'],
  });
  await world.gateway.query(
    `insert into webhook_deliveries (endpoint_id, event_id, event_type, body, state, attempts, settled_at)
      values ($1, 'wallet.1.1', 'wallet.created', '{}', 'dead', 8, now())`,
    [body.id],
  );
  expect(await dead()).toBe(1);
  expect((await service.call('PATCH', `/v1/webhook-endpoints/${body.id}`, { disabled: true })).status).toBe(200);
  expect(await dead()).toBe(0);
});

test('wrong codes and lock-outs are counted', async () => {
  const before = await scrape();
  const given = await makeCoupon(service, 1);
  const wrong = 'X'.repeat(given.length);
  // So many at once that none to speak of are forgiven meanwhile.
  const checks = Array.from({ length: 30 }, () => service.call('POST', '/v1/code-checks', { code: wrong }));
  const told = (await Promise.all(checks)).filter(({ body }) => body.reason === 'code-not-found');
  expect(told.length).toBeGreaterThan(2);
  const after = await scrape();
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  expect(grown('vouchsafe_wrong_codes_total{reason="code-not-found"}')).toBe(told.length);
  expect(grown('vouchsafe_lockouts_total{subject="address"}')).toBe(1);
  expect(grown('vouchsafe_lockouts_total{subject="client"}')).toBe(0);
});

test('from elsewhere it takes a key that may', async () => {
  const ask = async (headers: Record<string, string>, at = behindProxy) => {
    const response = await fetch(`${at.url}/metrics`, { headers });
    return [response.status, await response.text()] as const;
  };
  const elsewhere = { 'X-Forwarded-For': '203.0.113.9' };
  const bearer = (key: string) => ({ ...elsewhere, Authorization: `Bearer ${key}` });
  expect((await ask({}))[0]).toBe(200);
  expect((await ask({ 'X-Forwarded-For': '127.0.0.1' }))[0]).toBe(200);
  const [status, text] = await ask(elsewhere);
  expect(status).toBe(401);
  expect(text).not.toContain('vouchsafe_');
  expect((await ask(bearer('no-key-of-anybody')))[0]).toBe(401);
  const till = await service.call('POST', '/v1/api-keys', { name: 'till', scopes: ['redemptions:write'] });
  expect((await ask(bearer(till.body.key)))[0]).toBe(403);
  const watcher = await service.call('POST', '/v1/api-keys', { name: 'watcher', scopes: ['ops:read'] });
  expect((await ask(bearer(watcher.body.key)))[0]).toBe(200);
  expect((await ask(bearer(ADMIN_KEY)))[0]).toBe(200);
  // A proxy that nobody configured hides where a request comes from.
  expect((await ask(elsewhere, service))[0]).toBe(401);
  expect((await ask({ Forwarded: 'for=203.0.113.9' }, service))[0]).toBe(401);
  // Nor is this header read where one is configured.
  expect((await ask({ Forwarded: 'for=203.0.113.9' }))[0]).toBe(401);
});

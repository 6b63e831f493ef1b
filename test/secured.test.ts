import { join } from 'node:path';
import { msToTs } from '@temporalio/common/lib/time.js';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createWorld, forFile, makeCodes, newPhone, startRedisIn, until } from './harness.ts';
import { spawnIn } from './process.ts';
import {
  CA,
  CLIENT,
  greetAsPostgres,
  NATS_TLS,
  openTemporalGate,
  openTlsGate,
  startSecuredNats,
} from './secured-servers.ts';

// No server is reached but by TLS, with what it asks for.

const world = await forFile(createWorld());
const redis = await startRedisIn(world);
const [database, cache, temporal, nats] = [
  await openTlsGate(world.postgresUrl, greetAsPostgres),
  await openTlsGate(redis.url),
  await openTemporalGate(world.urls.temporal, 'temporal-key'),
  await startSecuredNats(
    join(world.home, 'secured-nats'),
    `${NATS_TLS}\nauthorization { user: vouchsafe, password: secret }`,
  ),
];
afterAll(async () => {
  for (const server of [database, cache, temporal, nats, redis]) await server.stop();
});

const encrypted = (url: string) =>
  Object.assign(new URL(url), { port: String(database.port), search: `?sslmode=verify-full&sslrootcert=${CA}` }).href;
const TEMPORAL = {
  TEMPORAL_ADDRESS: `localhost:${temporal.port}`,
  TEMPORAL_API_KEY: 'temporal-key',
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: CA,
  TEMPORAL_TLS_CLIENT_CERT_PATH: CLIENT.cert,
  TEMPORAL_TLS_CLIENT_KEY_PATH: CLIENT.key,
};
const SETTINGS = {
  ...TEMPORAL,
  GIFT_CODE_DATABASE_URL: encrypted(world.urls.giftCodeDatabase),
  WALLET_DATABASE_URL: encrypted(world.urls.walletDatabase),
  GATEWAY_DATABASE_URL: encrypted(world.urls.gatewayDatabase),
  NATS_URL: `tls://vouchsafe:secret@localhost:${nats.port}`,
  NATS_CA: CA,
  NATS_CERT: CLIENT.cert,
  NATS_KEY: CLIENT.key,
  REDIS_URL: `rediss://localhost:${cache.port}`,
  NODE_EXTRA_CA_CERTS: CA,
};

test('a redemption is made, published and reversed over servers that let in nobody unknown', async () => {
  const service = await spawnIn(world, SETTINGS);
  onTestFinished(service.close);
  const [code] = await makeCodes(service, 1);
  const redeemed = await service.call('POST', '/v1/redemptions', { code, phone: newPhone() });
  expect(redeemed).toMatchObject({ status: 201, body: { state: 'completed' } });
  const path = `/v1/redemptions/${redeemed.body.id}`;
  expect((await service.call('POST', `${path}/reverse`, { reason: 'test', code: 'free' })).status).toBe(200);
  expect((await service.call('GET', path)).body.state).toBe('reversed');
  await until(async () => {
    const { parts } = (await service.call('GET', '/v1/outbox')).body;
    return parts.every(({ unpublished }: { unpublished: number }) => unpublished === 0);
  });
  const { checks } = (await service.call('GET', '/v1/diagnostics')).body;
  expect(checks.filter(({ state }: { state: string }) => state !== 'ok')).toEqual([]);

  temporal.accept('renewed');
  onTestFinished(() => temporal.accept('temporal-key'));
  const expired = await service.call('POST', '/v1/redemptions/retry', { step: 'credit' });
  expect(expired).toMatchObject({ status: 503, body: { code: 'unavailable' } });
});

test('where search attributes are made by others, it is said which there have to be', async () => {
  const TEMPORAL_NAMESPACE = `${world.taskQueue}-secured`;
  const { workflowService } = world.temporal;
  const workflowExecutionRetentionPeriod = msToTs('1 day');
  await workflowService.registerNamespace({ namespace: TEMPORAL_NAMESPACE, workflowExecutionRetentionPeriod });
  // A server hears of a namespace some time after it was made.
  await until(() =>
    world.temporal.connection.operatorService
      .listSearchAttributes({ namespace: TEMPORAL_NAMESPACE })
      .catch(() => undefined),
  );
  await expect(spawnIn(world, { ...SETTINGS, TEMPORAL_NAMESPACE })).rejects.toThrow(
    /search attributes\. .*VouchsafeStage.*of type Keyword/,
  );
});

test.each([
  ['without its key', { TEMPORAL_API_KEY: 'another' }],
  ['without a certificate', { TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' }],
  ['by an authority that is not its own', { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '' }],
  ['in clear', { TEMPORAL_TLS: 'false' }],
])('Temporal lets us in by no way %s, and that is said', async (_, wrong) => {
  await expect(spawnIn(world, { ...SETTINGS, ...wrong })).rejects.toThrow(
    /Temporal cannot be reached at localhost:\d+ \(.+\)\. .*TEMPORAL_API_KEY/,
  );
});

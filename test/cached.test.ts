import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { createCached } from '../api/cached.ts';
import { contentVersion } from '../platform/database.ts';
import { startPostgres } from '../platform/local/index.ts';
import { openRedis } from '../platform/redis.ts';
import {
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
const redis = await startRedisIn(world);
afterAll(() => redis.stop());

test('a computed answer serves all gateways while the version stays, and no other version', async () => {
  const gateways = [openRedis(redis.url), openRedis(redis.url)] as const;
  const [here, there] = [createCached(gateways[0]), createCached(gateways[1])];
  // Until its connection is up, each computes for itself.
  const client = new Redis(redis.url);
  for (const [index, cached] of [here, there].entries()) {
    await until(async () => {
      await cached.read('up', String(index), async () => true);
      return (await client.exists(`vouchsafe:cached:up:${index}`)) === 1;
    });
  }
  let computed = 0;
  const compute = async () => ({ computed: ++computed });
  expect(await here.read('a', '1', compute)).toEqual({ computed: 1 });
  await until(async () => (await client.exists('vouchsafe:cached:a:1')) === 1);
  client.disconnect();
  // An answer of Redis may come too late, so that it is computed once more.
  const fail = () => Promise.reject(new Error('is not computed'));
  expect(await until(() => there.read('a', '1', fail).catch(() => undefined))).toEqual({ computed: 1 });
  expect(await there.read('a', '2', compute)).toEqual({ computed: 2 });
  expect(await there.read('c', '2', compute)).toEqual({ computed: 3 });
  for (const gateway of gateways) gateway.disconnect();
});

test('those who ask at the same time wait for one computation; its failure is theirs and is not kept', async () => {
  const cached = createCached(null);
  let computed = 0;
  const slow = () => new Promise<number>((resolve) => setTimeout(resolve, 20, ++computed));
  expect(await Promise.all([1, 2, 3].map(() => cached.read('a', '1', slow)))).toEqual([1, 1, 1]);
  const failing = () => Promise.reject(new Error('no'));
  await expect(Promise.all([1, 2].map(() => cached.read('b', '1', failing)))).rejects.toThrow('no');
  expect(await cached.read('b', '1', async () => 'well')).toBe('well');
});

test('the version of a database is the same until something is committed, and never the same again', async () => {
  const server = await startPostgres({ directory: `${world.home}/postgres`, memory: true });
  const pool = new pg.Pool({ connectionString: server.url });
  // A connection that is being closed may see the server stop first.
  pool.on('error', () => undefined);
  try {
    await pool.query('create table t (n integer)');
    const version = () => contentVersion(pool, 5_000);
    const before = await version();
    await pool.query('select * from t');
    expect(await version()).toBe(before);
    const writer = await pool.connect();
    await writer.query('begin');
    await writer.query('insert into t values (1)');
    await writer.query('commit');
    writer.release();
    const after = await version();
    expect(after).not.toBe(before);
    await pool.query('insert into t values (2)');
    expect([before, after]).not.toContain(await version());
  } finally {
    await pool.end();
    await server.stop();
  }
});

test('statistics are exact right after each change, at every gateway', async () => {
  const shared = { ...world, urls: { ...world.urls, redis: redis.url } };
  const gateways: TestService[] = [await startIn(shared), await startIn(shared)];
  const [first] = gateways as [TestService];
  const codes = await makeCodes(first, 6);
  const { group } = (await first.call('POST', '/v1/codes/lookup', { code: codes[0] })).body;
  for (const [index, code] of codes.entries()) {
    const { status } = await first.call('POST', '/v1/redemptions', { code, phone: newPhone() });
    expect(status).toBe(201);
    for (const gateway of [...gateways, ...gateways]) {
      const { body } = await gateway.call('GET', `/v1/code-groups/${group.id}/stats`);
      expect(body).toMatchObject({ codes: { used: index + 1 }, redemptions: { completed: index + 1 } });
    }
  }
  for (const gateway of gateways) await gateway.close();
});

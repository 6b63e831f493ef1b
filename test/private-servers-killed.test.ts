import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ADMIN_KEY, assertCoherent, makeCodes, newPhone, poolOf, readEvents, until } from './harness.ts';
import { spawnIn } from './process.ts';

/** All servers are the instance's own, with their data on the disk, as after `npm start`. */
const ENVIRONMENT = {
  VOUCHSAFE_ADMIN_KEY: ADMIN_KEY,
  VOUCHSAFE_LOG_LEVEL: 'error',
  PORT: '0',
  GIFT_CODE_DATABASE_URL: '',
  WALLET_DATABASE_URL: '',
  GATEWAY_DATABASE_URL: '',
  NATS_URL: '',
  REDIS_URL: '',
  TEMPORAL_ADDRESS: '',
};

test('all private servers are killed under load: they run again by themselves, and each redemption completes once', async () => {
  const home = await mkdtemp(join(tmpdir(), 'vouchsafe-test-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const service = await spawnIn({ home, environment: ENVIRONMENT });
  onTestFinished(() => service.close());
  const codes = await makeCodes(service, 60);
  const { app, ...killed } = (await service.run()).pids;

  const redeem = async (code: string) => {
    const headers = { 'Idempotency-Key': randomUUID(), Prefer: 'wait=5' };
    const body = { code, phone: newPhone() };
    return await until(async () => {
      const { status, body: answer } = await service.call('POST', '/v1/redemptions', body, headers);
      return status === 201 ? (answer.id as string) : null;
    });
  };
  const ids: string[] = [];
  const clients = Array.from({ length: 4 }, async (_, client) => {
    for (let index = client; index < codes.length; index += 4) ids.push(await redeem(codes[index] as string));
  });
  await until(async () => ids.length >= 8);
  for (const pid of Object.values(killed)) process.kill(pid, 'SIGKILL');
  expect(ids.length).toBeLessThan(codes.length - 4);
  await Promise.all(clients);

  const dead = new Set(Object.values(killed));
  const run = await until(async () => {
    const now = await service.run();
    return Object.values(now.pids).some((pid) => dead.has(pid)) ? null : now;
  });
  expect(run.pids.app).toBe(app);
  expect(Object.keys(run.pids).toSorted()).toEqual(Object.keys({ app, ...killed }).toSorted());

  const [giftCode, wallet] = [poolOf(run.databases.gift_code), poolOf(run.databases.wallet)];
  onTestFinished(async () => void (await Promise.all([giftCode.end(), wallet.end()])));
  await assertCoherent({ giftCode, wallet });
  const { rows } = await wallet.query<{ id: string }>('select id from transfers order by id');
  expect(rows.map(({ id }) => id)).toEqual(ids.toSorted());
  const completed = await until(async () => {
    const events = await readEvents(run.nats);
    const found = events.filter(({ type }) => type === 'redemption.completed');
    return found.length >= ids.length && found;
  });
  expect(completed.length).toBe(ids.length);
});

import { expect, test } from 'vitest';
import type { Check } from '../cli/api-types.ts';
import { problem, runCli, startApi } from '../cli/testing.ts';
import { breakDatabase } from './faults.ts';
import { ADMIN_KEY, createWorld, forFile, startIn, until } from './harness.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));

const doctor = async (key = ADMIN_KEY, url = service.url) => {
  const { exitCode, stdout, stderr } = await runCli(['doctor', '--json'], { url, key });
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]));
  const find = (name: string) => checks.find((check) => check.name === name);
  return { exitCode, stderr, checks, states, find };
};
const wrong = ({ states }: { states: Record<string, string> }) =>
  Object.keys(states).filter((name) => states[name] === 'failed');

test('where all is well it says so, of each server, with its version', async () => {
  const found = await until(async () => {
    const result = await doctor();
    // There is no Redis here, and nothing is wrong with that. What took long leaves a clock unknown.
    const others = Object.entries(result.states).filter(([name]) => name !== 'Redis');
    return result.exitCode === 0 && others.every(([, state]) => state === 'ok') && result;
  });
  expect(found.stderr).toBe('');
  expect(wrong(found)).toEqual([]);
  for (const { state, action } of found.checks) expect(action === null).toBe(state === 'ok');
  expect(found.find('API')?.detail).toMatch(/^version \d+\.\d+\.\d+ answers at http/);
  expect(found.find('key')?.detail).toBe('may *');
  for (const part of ['gateway', 'gift-code', 'wallet']) {
    expect(found.find(`${part} database`)?.detail).toMatch(/^Postgres \d+\.\d+, answers in \d+ ms$/);
    expect(found.find(`${part} schema`)?.detail).toMatch(/^[1-9]\d* migrations and all functions$/);
    expect(found.find(`${part} database connections`)?.detail).toMatch(/^[1-9]\d* of \d+ in use$/);
    expect(found.states[`${part} database clock`]).toBe('ok');
  }
  expect(found.find('Temporal')?.detail).toMatch(/^version \d/);
  for (const queue of ['', '-gift-code', '-wallet']) {
    expect(found.find(`task queue ${world.taskQueue}${queue}`)?.detail).toMatch(/^[1-9]\d* polling$/);
  }
  expect(found.find('NATS')?.detail).toMatch(/^version \d/);
  expect(found.find('stream')?.detail).toMatch(/^VOUCHSAFE: \d+ events/);
  expect(found.states).toMatchObject({ sweeper: 'ok', 'code keys': 'ok', breaker: 'ok', 'wallet outbox': 'ok' });
  expect(found.states.Redis).toBe('warning');
  const { stdout } = await runCli(['doctor'], { url: service.url, key: ADMIN_KEY });
  expect(stdout).toMatch(/^CHECK\tSTATE\tDETAIL\tWHAT TO DO\nAPI\tok\t/);
});

test('a key that is none, or may not, is told from an API that does not answer', async () => {
  expect(await doctor('no-key-of-anybody')).toMatchObject({ exitCode: 5, states: { API: 'ok', key: 'failed' } });
  const { body } = await service.call('POST', '/v1/api-keys', { name: 'till', scopes: ['redemptions:write'] });
  const till = await doctor(body.key);
  expect(till).toMatchObject({ exitCode: 5, states: { API: 'ok', key: 'failed' } });
  expect(till.find('key')?.action).toContain('ops:read');
  const watcher = await service.call('POST', '/v1/api-keys', { name: 'watcher', scopes: ['ops:read'] });
  expect((await doctor(watcher.body.key)).find('key')?.detail).toBe('may ops:read');
  const away = await doctor(ADMIN_KEY, 'http://127.0.0.1:1');
  expect(away).toMatchObject({ exitCode: 5, states: { API: 'failed' }, checks: { length: 1 } });
  expect(away.find('API')?.action).toContain('npm start');
});

test('a clock that is wrong is seen', async () => {
  const headers = { date: new Date(Date.now() - 3_600_000).toUTCString() };
  const api = await startApi({
    'GET /healthz': { status: 200, body: { status: 'ok' }, headers },
    'GET /v1/diagnostics': problem(401, 'unauthorized', 'Unauthorized'),
  });
  try {
    const found = await doctor(ADMIN_KEY, api.url);
    expect(found.find('clock of this machine')).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/^360\d s ahead of the API$/),
    });
  } finally {
    await api.close();
  }
});

test('a schema of another version and foreign code keys are seen', async () => {
  await world.wallet.query(`update installed_functions set sha256 = 'other' where file = 'credit.sql'`);
  await world.giftCode.query(`update code_keys set fingerprint = '\\x00' where purpose = 'pepper'`);
  const { rows } = await world.gateway.query('delete from drizzle.__drizzle_migrations where id = 1 returning *');
  expect(rows).toHaveLength(1);
  const found = await doctor();
  expect(found.exitCode).toBe(5);
  expect(wrong(found).sort()).toEqual(['code keys', 'gateway schema', 'wallet schema']);
  expect(found.stderr).toContain('wrong: ');
  expect(found.find('wallet schema')?.detail).toContain('credit.sql');
  expect(found.find('gateway schema')?.detail).toMatch(/migration \d+/);
});

test('a sweeper that is paused is seen', async () => {
  const schedule = world.temporal.schedule.getHandle(`${world.taskQueue}-sweep`);
  await schedule.pause();
  expect((await doctor()).find('sweeper')).toMatchObject({ state: 'failed', detail: 'its schedule is paused' });
  await schedule.unpause();
  expect((await doctor()).states.sweeper).toBe('ok');
  await schedule.delete();
  expect((await doctor()).find('sweeper')).toMatchObject({ state: 'failed', detail: 'its schedule is gone' });
});

test('a server that is away is seen, and the others are still told', async () => {
  const heal = await breakDatabase(world, 'wallet');
  const without = await doctor();
  expect(without.states).toMatchObject({ 'wallet database': 'failed', 'gateway database': 'ok', Temporal: 'ok' });
  expect(without.find('wallet database')?.action).toContain('WALLET_DATABASE_URL');
  await heal();
  await world.nats.stop();
  const found = await doctor();
  expect(found.states).toMatchObject({ NATS: 'failed', 'wallet database': 'ok' });
  expect(found.find('NATS')?.action).toContain('NATS_URL');
});

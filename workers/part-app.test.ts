import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { ContentionError, DatabaseUnavailable, DataError } from '../platform/database-errors.ts';
import { createLogger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import { remotePart } from '../platform/remote-part.ts';
import { forFile, until } from '../test/harness.ts';
import { startHttpServer } from './http-server.ts';
import { createPartApp } from './part-app.ts';

const KEY = 'parts-key-0123456789';
/** Longer than a part may be silent. */
const LONG_MS = 6_000;

const thrown: Record<string, unknown> = {
  unavailable: new DatabaseUnavailable('cannot be reached', false),
  unknown: new DatabaseUnavailable('gave no answer in 5 ms', true),
  contention: new ContentionError('deadlock detected'),
  data: new DataError('duplicate key', '23505', 'wallets_pkey'),
  failure: new TypeError('a bug'),
};
const operations = {
  echo: async (...values: unknown[]) => values,
  afterLong: async (value: string) => await sleep(LONG_MS, value),
  fail: async (how: string): Promise<never> => {
    throw thrown[how];
  },
  failAtOnce(): Promise<never> {
    throw new TypeError('at once');
  },
  // What no message can hold.
  giveFunction: async () => () => undefined,
};
const app = createPartApp({
  ready: async () => undefined,
  metrics: createMetrics(),
  logger: createLogger('silent'),
  served: { operations, key: KEY },
});
const { url } = await forFile(startHttpServer(app.callback(), '127.0.0.1', 0));
const part = remotePart<typeof operations>(url, KEY);
afterAll(part.close);

test('values come over as they are: times, big integers, bytes, what is undefined', async () => {
  const values = [
    new Date(0),
    2n ** 60n,
    Buffer.from([0, 255]),
    undefined,
    null,
    new Map([['a', 1n]]),
    { a: [undefined] },
  ];
  expect(await part.echo(...values)).toEqual(values);
  expect(await part.echo()).toEqual([]);
  expect(await part.echo('x'.repeat(5_000_000))).toEqual(['x'.repeat(5_000_000)]);
});

test('errors come over as what they are to the caller', async () => {
  for (const [how, error] of Object.entries(thrown)) {
    const { name, message } = error as Error;
    await expect(part.fail(how)).rejects.toMatchObject({ message, name: how === 'failure' ? 'Error' : name });
  }
  await expect(part.fail('unavailable')).rejects.toMatchObject({ mayHaveHappened: false });
  await expect(part.fail('unknown')).rejects.toMatchObject({ mayHaveHappened: true });
  await expect(part.fail('data')).rejects.toMatchObject({ sqlState: '23505', constraint: 'wallets_pkey' });
});

test('an operation that fails at once, or whose result no message can hold, is answered', async () => {
  await expect(part.failAtOnce()).rejects.toThrow('at once');
  await expect(part.giveFunction()).rejects.toThrow('could not be cloned');
  const counted = 'duration_seconds_count{operation="POST /operations/failAtOnce",status="500"} 1';
  await until(async () => (await (await fetch(`${url}/metrics`)).text()).includes(counted));
});

test('what somebody between answers says nothing of what the part did', async () => {
  let status = 502;
  const between = await startHttpServer(
    (_, response) => response.writeHead(status, { 'Content-Type': 'text/html' }).end('<html>'),
    '127.0.0.1',
    0,
  );
  const behind = remotePart<typeof operations>(between.url, KEY);
  for (status of [502, 504, 200, 302]) {
    await expect(behind.echo()).rejects.toMatchObject({ name: 'DatabaseUnavailable', mayHaveHappened: true });
  }
  for (status of [401, 413]) {
    await expect(behind.echo()).rejects.toMatchObject({ name: 'DatabaseUnavailable', mayHaveHappened: false });
  }
  behind.close();
  await between.close();
});

test('what takes long is waited for, while the part is heard', async () => {
  expect(await part.afterLong('done')).toBe('done');
});

test('a part that is silent, or away, is a database that does not answer', async () => {
  const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const away = remotePart<typeof operations>(`http://127.0.0.1:${port}`, KEY);
  const failure = { name: 'DatabaseUnavailable', mayHaveHappened: true };
  await expect(away.echo()).rejects.toMatchObject(failure);
  away.close();
  silent.close();
  await once(silent, 'close');
  await expect(away.echo()).rejects.toMatchObject({ ...failure, mayHaveHappened: false });
});

test('nobody is answered without the key, nor what is no operation, nor what is no list of arguments', async () => {
  const stranger = remotePart<typeof operations>(url, `${KEY}0`);
  await expect(stranger.echo()).rejects.toThrow('401');
  stranger.close();
  const unknown = part as unknown as Record<string, () => Promise<unknown>>;
  for (const name of ['toString', 'constructor', '__proto__x']) await expect(unknown[name]?.()).rejects.toThrow('404');
  const post = (body: string) =>
    fetch(`${url}/operations/echo`, { method: 'POST', headers: { Authorization: `Bearer ${KEY}` }, body });
  for (const body of ['', '[]', 'ÿ']) expect((await post(body)).status).toBe(400);
});

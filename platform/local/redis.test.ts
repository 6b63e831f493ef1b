import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { localEnvironment } from './environment.ts';
import { findOnPath } from './executables.ts';
import { startRedis } from './redis.ts';
import { stopped, temporaryFolder } from './testing/folder.ts';

const installed = await findOnPath('redis-server', localEnvironment().path);

test.skipIf(!installed)(
  'a private Redis answers, starts again on its port, and keeps nothing',
  { timeout: 60_000 },
  async () => {
    const directory = await temporaryFolder();
    const first = await startRedis({ directory });
    if (!first) throw new Error('redis-server is on PATH');
    stopped(first);
    const before = new Redis(first.url);
    await before.set('k', 'v');
    before.disconnect();
    await first.kill();
    const second = await startRedis({ directory, port: first.port });
    if (!second) throw new Error('redis-server is on PATH');
    stopped(second);
    const after = new Redis(second.url);
    expect(await after.get('k')).toBeNull();
    after.disconnect();
  },
);

test('without Redis on PATH, one line says so and the rest goes on', async () => {
  const lines: string[] = [];
  const environment = localEnvironment({ PATH: await temporaryFolder() });
  const server = await startRedis({
    directory: await temporaryFolder(),
    environment,
    progress: (line) => lines.push(line),
  });
  expect(server).toBeNull();
  expect(lines).toEqual([expect.stringContaining('redis-server')]);
});

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { type LocalEnvironment, localEnvironment } from './environment.ts';
import { findOnPath } from './executables.ts';
import { LOOPBACK, withPort } from './ports.ts';
import { endLeftOver, type ServerOptions, type ServerProcess, startServer } from './processes.ts';

/** Redis keeps no data on the disk. */
export interface RedisOptions extends ServerOptions {
  environment?: LocalEnvironment | undefined;
  progress?: ((line: string) => void) | undefined;
}

export interface RedisServer extends ServerProcess {
  url: string;
  port: number;
}

/**
 * Starts a private Redis on the loopback, without persistence. Redis is optional: without the program it says so and gives null.
 * @throws SetUpError when it does not start; PortTaken when the port asked for is in use
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer | null> {
  const { environment = localEnvironment(), progress = () => {} } = options;
  const directory = resolve(options.directory);
  const record = options.record ?? join(directory, 'process.json');
  await endLeftOver(record, 'Redis');
  const program = await findOnPath('redis-server', environment.path);
  if (!program) {
    progress('Redis (redis-server) is not on PATH: going on without; look-ups and limits use Postgres and memory');
    return null;
  }
  await mkdir(directory, { recursive: true });
  return withPort(options.port, async (port) => {
    const place = ['--bind', LOOPBACK, '--port', String(port), '--dir', directory];
    const server = await startServer({
      name: 'Redis',
      program,
      args: [...place, '--save', '', '--appendonly', 'no'],
      stopSignal: 'SIGTERM',
      log: options.log ?? join(directory, 'redis.log'),
      record,
      isReady: async (pid) => (await processIdAt(port)) === pid,
    });
    return { ...server, url: `redis://${LOOPBACK}:${port}`, port };
  });
}

/** The pid of the Redis that answers at this port. */
async function processIdAt(port: number): Promise<number> {
  const redis = new Redis({
    host: LOOPBACK,
    port,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 1_000,
  });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1]);
  } finally {
    redis.disconnect();
  }
}

import { Redis } from 'ioredis';

const CONNECT_TIMEOUT_MS = 1_000;
const COMMAND_TIMEOUT_MS = 200;
const RECONNECT_MS = 500;

/**
 * A connection to Redis that never holds anybody up: while Redis is away a command fails at once, and one that is not
 * answered soon fails as well. It reconnects by itself.
 */
export function openRedis(url: string): Redis {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => RECONNECT_MS,
    autoResendUnfulfilledCommands: false,
  });
  return quiet(redis);
}

/** Another connection to the same Redis, for commands that wait at the server: they may take as long as they ask for. */
export const openWaiting = (redis: Redis): Redis => quiet(redis.duplicate({ commandTimeout: undefined }));

/** What is kept under a key, as JSON; nothing where Redis is away, or has none. */
export async function readKept<T>(redis: Redis | null, key: string): Promise<T | undefined> {
  const found = redis?.get(key).then((text) => (text === null ? undefined : (JSON.parse(text) as T)));
  return await found?.catch(() => undefined);
}

/** Keeps a value as JSON for so long, if Redis is there. */
export async function keep(redis: Redis | null, key: string, value: unknown, seconds: number): Promise<void> {
  await redis?.set(key, JSON.stringify(value), 'EX', seconds).catch(() => undefined);
}

/** Every command tells of an error; without a listener it would be written to standard error. */
const quiet = (redis: Redis): Redis => redis.on('error', () => undefined);

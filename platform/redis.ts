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

/** Every command tells of an error; without a listener it would be written to standard error. */
const quiet = (redis: Redis): Redis => redis.on('error', () => undefined);

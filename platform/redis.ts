import { Redis } from 'ioredis';

const CONNECT_TIMEOUT_MS = 1_000;
const COMMAND_TIMEOUT_MS = 200;
const RECONNECT_MS = 500;

/**
 * A connection to Redis that never holds anybody up: while Redis is away a command fails at once, and one that is not
 * answered soon fails as well. It reconnects by itself.
 * @param blocking for commands that wait at the server: they may take as long as they ask for
 */
export function openRedis(url: string, { blocking = false } = {}): Redis {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(!blocking && { commandTimeout: COMMAND_TIMEOUT_MS }),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => RECONNECT_MS,
    autoResendUnfulfilledCommands: false,
  });
  // Every command tells of it; without a listener it would be written to standard error.
  redis.on('error', () => undefined);
  return redis;
}

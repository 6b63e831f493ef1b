/** Private servers on the loopback, for `npm start`, tests and benches. */
export type { ServerAddresses } from './addresses.ts';
export { type LocalEnvironment, localEnvironment } from './environment.ts';
export { acquireHome, type Lock } from './lock.ts';
export { type NatsServer, startNats } from './nats.ts';
export { createPart, PARTS, type Part, partName } from './parts.ts';
export { freePort } from './ports.ts';
export { type PostgresServer, startPostgres } from './postgres.ts';
export { type RedisServer, startRedis } from './redis.ts';
export { type LocalServers, startServers } from './servers.ts';
export { SetUpError } from './set-up-error.ts';
export { SEARCH_ATTRIBUTES, startTemporal, type TemporalServer } from './temporal.ts';

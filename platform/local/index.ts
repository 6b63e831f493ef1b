/** Private servers on the loopback, for `npm start`, tests and benches. */
export { type NatsServer, startNats } from './nats.ts';
export { createPart, PARTS, type Part } from './parts.ts';
export { startPostgres } from './postgres.ts';
export { type RedisServer, startRedis } from './redis.ts';
export { type LocalServers, type ServerAddresses, startServers } from './servers.ts';
export { startTemporal } from './temporal.ts';

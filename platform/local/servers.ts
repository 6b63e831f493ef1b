import { join, resolve } from 'node:path';
import { keep } from './kept.ts';
import { acquireHome } from './lock.ts';
import { startNats } from './nats.ts';
import { createPart, type Part } from './parts.ts';
import { rememberedPorts, rememberPorts } from './ports.ts';
import { startPostgres } from './postgres.ts';
import { endLeftOver, type ServerProcess } from './processes.ts';
import { startRedis } from './redis.ts';
import { keptPassword } from './secrets.ts';
import { PortTaken, SetUpError } from './set-up-error.ts';
import { startTemporal, type TemporalServer } from './temporal.ts';

/** Addresses of servers that somebody else runs, from the environment. What is missing is started here. */
export interface ServerAddresses {
  giftCodeDatabaseUrl?: string | undefined;
  walletDatabaseUrl?: string | undefined;
  gatewayDatabaseUrl?: string | undefined;
  redisUrl?: string | undefined;
  /** Of each server of a cluster, separated by commas. */
  natsUrl?: string | undefined;
  /** host:port */
  temporalAddress?: string | undefined;
}

export interface StartOptions {
  /** Holds data, logs, passwords, remembered ports and process records. */
  home: string;
  /** Keeps all data in memory and drops it at the end. */
  memory?: boolean | undefined;
  /** Addresses from the environment: these servers are not started. */
  given: ServerAddresses;
  /** Told one line at each thing that takes long, and when a server has ended by itself. */
  progress: (line: string) => void;
  /** Told when a server that had ended by itself runs again, by another pid. */
  restarted?: (() => void) | undefined;
  /** Gives the start up: what runs by then is stopped, and the call rejects. */
  signal?: AbortSignal | undefined;
}

export interface LocalServers {
  urls: {
    giftCodeDatabase: string;
    walletDatabase: string;
    gatewayDatabase: string;
    /** Null where there is no Redis, which is optional. */
    redis: string | null;
    nats: string;
    /** host:port */
    temporal: string;
    /** Null for a Temporal that was given: its Web UI is not known. */
    temporalWebUi: string | null;
  };
  /** Of the servers that were started here; up to date. */
  pids: { postgres?: number; temporal?: number; nats?: number; redis?: number };
  /** Stops what this call started, and only that, and gives the home free. */
  stop(): Promise<void>;
}

/**
 * Starts the servers that were not given, side by side, and holds the home until `stop`.
 * @throws SetUpError when the home is in use or a server does not start; none is left running then
 */
export async function startServers(options: StartOptions): Promise<LocalServers> {
  const { given } = options;
  const home = resolve(options.home);
  const lock = await acquireHome(home);
  const giveUp = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, giveUp.signal]) : giveUp.signal;
  const ports = await rememberedPorts(join(home, 'ports.json'));
  const run: Run = { ...options, home, signal, ports, started: [], pids: {} };
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= Promise.all(run.started.map((server) => server.stop())).then(() => lock.release());
    return stopping;
  };
  try {
    for (const name of NAMES) await endLeftOver(recordOf(home, name), name);
    const starting = [
      databases(run),
      given.redisUrl ? { url: given.redisUrl } : start(run, 'redis', startRedis),
      given.natsUrl ? { url: given.natsUrl } : start(run, 'nats', startNats),
      given.temporalAddress ? { address: given.temporalAddress } : startTemporalOf(run),
    ] as const;
    for (const one of starting) Promise.resolve(one).catch((error) => giveUp.abort(error));
    await Promise.allSettled(starting); // all, so that each one that runs is known, should another have failed
    signal.throwIfAborted();
    const [databaseUrls, redis, nats, temporal] = await Promise.all(starting);
    await rememberPorts(join(home, 'ports.json'), ports);
    return {
      urls: {
        ...databaseUrls,
        redis: redis?.url ?? null,
        nats: nats.url,
        temporal: temporal.address,
        temporalWebUi: 'webUiUrl' in temporal ? temporal.webUiUrl : null,
      },
      pids: run.pids,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const NAMES = ['postgres', 'redis', 'nats', 'temporal'] as const;

/** What one call of `startServers` works with and has done so far. */
interface Run extends StartOptions {
  /** Aborted when the caller gives up, or when another server could not be started. */
  signal: AbortSignal;
  /** Remembered from earlier runs, and those in use now. */
  ports: Record<string, number>;
  started: Pick<ServerProcess, 'stop'>[];
  pids: LocalServers['pids'];
}

/** The options that all servers have in common. */
interface CommonOptions {
  directory: string;
  port: number | undefined;
  memory: boolean | undefined;
  log: string;
  record: string;
  progress: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Starts one server on its remembered port, or on another where somebody has that one now.
 * Should it end by itself, it is started again; not where its data was in memory and ended with it.
 */
async function start<S extends (ServerProcess & { port: number }) | null>(
  run: Run,
  name: keyof LocalServers['pids'],
  startIt: (options: CommonOptions) => Promise<S>,
): Promise<S> {
  const { home, ports, memory, progress, signal } = run;
  const log = join(home, 'logs', `${name}.log`);
  const common = { directory: join(home, name), memory, log, record: recordOf(home, name), progress };
  const server = await startIt({ ...common, port: ports[name], signal }).catch((error) => {
    if (error instanceof PortTaken) return startIt({ ...common, port: undefined, signal });
    throw error;
  });
  if (!server) return server;
  const again = async (signal: AbortSignal) => {
    const next = await startIt({ ...common, port: server.port, signal });
    if (!next) throw new SetUpError(`The program of the private ${name} server is gone.`);
    return next;
  };
  const restarted = (pid: number) => {
    run.pids[name] = pid;
    run.restarted?.();
  };
  run.pids[name] = server.pid;
  ports[name] = server.port;
  if (memory)
    void server.lost.then(() =>
      progress(
        `The private ${name} server (pid ${server.pid}) has ended, and its data with it. Stop Vouchsafe and start it again; see ${log}`,
      ),
    );
  run.started.push(memory ? server : keep(server, { name, log, again, restarted, progress }));
  return server;
}

async function startTemporalOf(run: Run): Promise<TemporalServer> {
  const server = await start(run, 'temporal', (common) =>
    startTemporal({ ...common, uiPort: run.ports.temporalWebUi }),
  );
  run.ports.temporalWebUi = server.uiPort;
  return server;
}

/** Where a server's process record is, for the clean-up after a crash. */
function recordOf(home: string, name: string): string {
  return join(home, 'run', `${name}.json`);
}

/** The databases that were given, and for the other parts private ones in one Postgres, each with its own role. */
async function databases(
  run: Run,
): Promise<Pick<LocalServers['urls'], 'giftCodeDatabase' | 'walletDatabase' | 'gatewayDatabase'>> {
  const { giftCodeDatabaseUrl: giftCode, walletDatabaseUrl: wallet, gatewayDatabaseUrl: gateway } = run.given;
  if (giftCode && wallet && gateway)
    return { giftCodeDatabase: giftCode, walletDatabase: wallet, gatewayDatabase: gateway };
  const { url } = await start(run, 'postgres', startPostgres);
  const own = async (part: Part) =>
    createPart(url, part, { password: await keptPassword(join(run.home, 'passwords', part)) });
  return {
    giftCodeDatabase: giftCode ?? (await own('gift_code')),
    walletDatabase: wallet ?? (await own('wallet')),
    gatewayDatabase: gateway ?? (await own('gateway')),
  };
}

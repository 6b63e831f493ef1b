import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { memoryFolder } from './memory.ts';
import { LOOPBACK, withPort } from './ports.ts';
import { type PostgresPrograms, postgresPrograms } from './postgres-program.ts';
import { identify } from './process-identity.ts';
import { endLeftOver, type ServerOptions, type ServerProcess, startServer } from './processes.ts';
import { keptPassword } from './secrets.ts';
import { SetUpError } from './set-up-error.ts';
import { assertSupported } from './supported.ts';
import { postgresUser, reachableFolder, type SystemUser } from './system-user.ts';

export interface PostgresOptions extends ServerOptions {
  /** Keeps the data in memory and drops it at the end. Elsewhere than Linux: a temporary folder without fsync. */
  memory?: boolean | undefined;
  /** Settings of postgresql.conf, over ours. */
  parameters?: Record<string, string> | undefined;
}

export interface PostgresServer extends ServerProcess {
  /** The superuser's, for the database `postgres`. Parts get roles of their own: see `createPart`. */
  url: string;
  port: number;
}

/**
 * Durable (a commit is on the disk), and sized for one machine that runs everything else as well.
 * The timeouts of idle sessions and the like are the parts' own affair.
 */
const PARAMETERS = {
  listen_addresses: LOOPBACK,
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  fsync: 'on',
  synchronous_commit: 'on',
  max_wal_size: '2GB',
  wal_compression: 'on',
  shared_preload_libraries: 'pg_stat_statements',
};

/** Shared memory in files of the data folder goes with it, even after a kill; segments of the system's would stay. */
const IN_MEMORY = { fsync: 'off', dynamic_shared_memory_type: 'mmap' };

/**
 * Starts a private Postgres on the loopback, its cluster made at the first start.
 * @throws SetUpError when this machine cannot run it; PortTaken when the port asked for is in use
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  assertSupported();
  const directory = resolve(options.directory);
  const record = options.record ?? join(directory, 'process.json');
  await endLeftOver(record, 'Postgres');
  const user = await postgresUser();
  const programs = await postgresPrograms(user);
  const password = await keptPassword(join(directory, 'superuser-password'));
  const temporary = options.memory ? await memoryFolder() : undefined;
  try {
    const place = temporary ?? directory;
    const data = join(user ? await reachableFolder(user, place) : place, 'data');
    await initialise({ programs, user, data, password, sync: !options.memory });
    await disownPidFile(data);
    const parameters = { ...PARAMETERS, ...(options.memory && IN_MEMORY), ...options.parameters };
    return await withPort(options.port, async (port) => {
      const url = `postgresql://postgres:${password}@${LOOPBACK}:${port}/postgres`;
      const server = await startServer({
        name: 'Postgres',
        program: programs.postgres,
        args: [
          '-D',
          data,
          '-p',
          String(port),
          ...Object.entries(parameters).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
        ],
        user: user ?? undefined,
        stopSignal: 'SIGINT', // "fast": sessions are ended, and the data is left in order
        log: options.log ?? join(directory, 'postgres.log'),
        record,
        temporary,
        isReady: () => answersTo(url),
      });
      return { ...server, url, port };
    });
  } catch (error) {
    if (temporary) await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

interface Cluster {
  programs: PostgresPrograms;
  user: SystemUser | null;
  data: string;
  password: string;
  sync: boolean;
}

/** Makes the cluster unless it is there; by a rename, so that an interrupted attempt leaves no half-made one. */
async function initialise({ programs, user, data, password, sync }: Cluster): Promise<void> {
  if (existsSync(join(data, 'PG_VERSION'))) return;
  const unfinished = `${data}.new`;
  const passwordFile = `${data}.password`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
  try {
    if (user) await Promise.all([unfinished, passwordFile].map((path) => chown(path, user.uid, user.gid)));
    const settings = [
      '--encoding=UTF8',
      '--locale=C',
      '--auth=scram-sha-256',
      '--username=postgres',
      `--pwfile=${passwordFile}`,
    ];
    const speed = sync ? [] : ['--no-sync'];
    await promisify(execFile)(programs.initdb, ['-D', unfinished, ...settings, ...speed], { ...user, cwd: '/' });
    await rename(unfinished, data);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || String(error);
    throw new SetUpError(`Postgres's data folder ${data} cannot be made: ${said}`);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/**
 * After a crash, the pid in postmaster.pid may by now be another process's, or that of a dead one nobody has waited for, and
 * Postgres would refuse to start. Unless it is a Postgres on this data, we put our own pid there: Postgres takes its parent's
 * for stale, and still checks by the rest of the file that no orphan of the old server uses the data.
 */
async function disownPidFile(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const [pid, ...rest] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  if (!pid || (await identify(Number(pid)))?.commandLine.includes(data)) return;
  await writeFile(file, [process.pid, ...rest].join('\n'));
}

/** Only our server knows the password. */
async function answersTo(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } finally {
    await client.end().catch(() => {});
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalEnvironment } from './environment.ts';
import { identifySelf } from './lock.ts';
import { childrenOf, identify, isAlive, isUnchanged, type ProcessIdentity } from './process-identity.ts';
import { PortTaken, SetUpError } from './set-up-error.ts';

/** What the start of any server can be told. */
export interface ServerOptions {
  /** Holds its data, the log and the process record. Start again with it to have the data back. */
  directory: string;
  /** This very port; without it, a free one. */
  port?: number | undefined;
  log?: string | undefined;
  record?: string | undefined;
}

/** A server process that was started here. */
export interface ServerProcess {
  pid: number;
  /** Resolved when it has ended though nobody here asked for that. */
  lost: Promise<void>;
  /** Ends it in its orderly way and waits for its exit; after 30 s it is killed. */
  stop(): Promise<void>;
  /** Ends it, and the processes it has started, as a power failure would, and waits for their exit. */
  kill(): Promise<void>;
}

/** How to run a server. */
export interface ServerCommand {
  /** What messages call it. */
  name: string;
  program: string;
  args: string[];
  /** Its environment; without it, this process's. */
  variables?: LocalEnvironment['variables'] | undefined;
  /** Runs it as another user, for a server that refuses to be run by root. */
  user?: { uid: number; gid: number } | undefined;
  /** Asks for an orderly end. */
  stopSignal: NodeJS.Signals;
  /** Where its output is appended. */
  log: string;
  /** Where its record is kept, for the clean-up after a crash of ours. */
  record: string;
  /** A folder that goes when the server does. */
  temporary?: string | undefined;
  /** Whether this process, by its pid, is the one that now answers. */
  isReady(pid: number): Promise<boolean>;
}

/** What is kept of a server while it runs: itself, the process it belongs to, and the folder to remove after it. */
interface ServerRecord {
  server: ProcessIdentity;
  owner: ProcessIdentity;
  temporary?: string | undefined;
}

/** Postgres and Temporal may first have to go through what was written before a crash. */
const READY_MS = 300_000;
const STOP_MS = 30_000;
const POLL_MS = 20;

/**
 * Starts a server in a process group of its own, so that Ctrl-C in a terminal reaches us alone, and waits until it is ready.
 * What a dead run of ours left behind under the same record is ended first.
 * @throws PortTaken when its port was taken; SetUpError with the end of its log when it does not start
 */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  await endLeftOver(command.record, command.name);
  await mkdir(dirname(command.log), { recursive: true });
  const logFrom = await stat(command.log).then(
    (file) => file.size,
    () => 0,
  );
  const child = await spawnDetached(command);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const pid = child.pid as number;
  const forget = async () => {
    running.delete(child);
    if (command.temporary) await rm(command.temporary, { recursive: true, force: true });
    await rm(command.record, { force: true });
  };
  let isWanted = true;
  const server: ServerProcess = {
    pid,
    lost: new Promise((resolve) => void exited.then(() => isWanted && resolve())),
    async stop() {
      isWanted = false;
      child.ref();
      if (!hasExited(child)) await endOrKill(child, exited, command.stopSignal);
      await forget();
    },
    async kill() {
      isWanted = false;
      child.ref();
      if (!hasExited(child)) await killWithChildren(pid);
      await exited;
      await forget();
    },
  };
  running.set(child, command.stopSignal);
  try {
    await writeRecord(command, pid);
    await waitUntilReady(command, child, logFrom);
    await writeRecord(command, pid); // again, for servers that change their command line once they run
    return server;
  } catch (error) {
    await server.kill();
    throw error;
  }
}

/**
 * Ends the server of a record, should it outlive the run it belonged to, and removes its temporary folder.
 * A process that merely has the same pid is left alone.
 * @throws SetUpError when the run it belongs to is alive
 */
export async function endLeftOver(record: string, name: string): Promise<void> {
  const left = await readRecord(record);
  if (!left) return;
  if (await isUnchanged(left.server)) {
    if (await isAlive(left.owner)) {
      throw new SetUpError(
        `${name} is already running (pid ${left.server.pid}) for pid ${left.owner.pid}: stop that first.`,
      );
    }
    await killWithChildren(left.server.pid);
  }
  if (left.temporary) await rm(left.temporary, { recursive: true, force: true });
  await rm(record, { force: true });
}

/** Servers of this process, told to end when it exits without having stopped them. */
const running = new Map<ChildProcess, NodeJS.Signals>();
process.on('exit', () => {
  for (const [child, signal] of running) child.kill(signal);
});

function spawnDetached(command: ServerCommand): Promise<ChildProcess> {
  const log = openSync(command.log, 'a');
  const options = {
    detached: true,
    windowsHide: true,
    cwd: '/',
    ...(command.variables && { env: command.variables }),
    stdio: ['ignore', log, log] as ['ignore', number, number],
  };
  return new Promise<ChildProcess>((resolve, reject) => {
    const child = spawn(command.program, command.args, { ...options, ...command.user });
    child.once('spawn', () => {
      child.unref();
      resolve(child);
    });
    child.once('error', (error) =>
      reject(new SetUpError(`${command.name} (${command.program}) cannot be run on this machine: ${error.message}.`)),
    );
  }).finally(() => closeSync(log));
}

async function waitUntilReady(command: ServerCommand, child: ChildProcess, logFrom: number): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    if (hasExited(child)) throw await startFailure(command, logFrom, 'ended at once');
    if (Date.now() > deadline) throw await startFailure(command, logFrom, `was not ready after ${READY_MS / 1000} s`);
    if (await command.isReady(child.pid as number).catch(() => false)) return;
    await sleep(POLL_MS);
  }
}

async function startFailure(command: ServerCommand, logFrom: number, what: string): Promise<SetUpError> {
  const written = (await readFile(command.log).catch(() => Buffer.alloc(0))).subarray(logFrom).toString('utf8').trim();
  const lines = written.split('\n').slice(-5).join('\n');
  const message = `${command.name} ${what}. The end of ${command.log}:\n${lines || '(nothing)'}`;
  const portTaken = /address already in use|only one usage of each socket address/i.test(written);
  return portTaken ? new PortTaken(message) : new SetUpError(message);
}

async function endOrKill(child: ChildProcess, exited: Promise<void>, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  const abort = new AbortController();
  const overdue = sleep(STOP_MS, 'overdue', { signal: abort.signal }).catch(() => {});
  if ((await Promise.race([exited, overdue])) === 'overdue') await killWithChildren(child.pid as number);
  abort.abort();
  await exited;
}

/** The children are listed first: they have process groups of their own, and another parent once theirs is gone. */
async function killWithChildren(pid: number): Promise<void> {
  const family = [pid, ...(await childrenOf(pid))];
  const known = await Promise.all(family.map(identify));
  for (const member of family) {
    try {
      process.kill(member, 'SIGKILL');
    } catch {
      // has ended by itself
    }
  }
  for (const member of known) while (member && (await isAlive(member))) await sleep(POLL_MS);
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function writeRecord(command: ServerCommand, pid: number): Promise<void> {
  const server = await identify(pid);
  if (!server) return;
  const record: ServerRecord = { server, owner: await identifySelf(), temporary: command.temporary };
  await mkdir(dirname(command.record), { recursive: true });
  await writeFile(`${command.record}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${command.record}.new`, command.record);
}

async function readRecord(file: string): Promise<ServerRecord | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ServerRecord;
  } catch {
    return null;
  }
}

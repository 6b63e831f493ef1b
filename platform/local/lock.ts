import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';
import { SetUpError } from './set-up-error.ts';

/** A lock that this process holds. */
export interface Lock {
  /** To be called once: afterwards the lock may be somebody else's. */
  release(): Promise<void>;
}

/**
 * Takes the home for this process, so that no two runs use its data at once. The lock of a process that died is taken over.
 * @throws SetUpError when a living process has it
 */
export async function acquireHome(home: string): Promise<Lock> {
  const lock = await tryLock(resolve(home, 'run', 'main.json')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
    throw new SetUpError(`VOUCHSAFE_HOME cannot be ${resolve(home)}: ${error.message}.`);
  });
  if ('release' in lock) return lock;
  throw new SetUpError(
    `Vouchsafe is already running (pid ${lock.heldBy}) with its data in ${resolve(home)}. ` +
      'Stop that one first, or set VOUCHSAFE_HOME to another folder and PORT to another port.',
  );
}

/**
 * Takes a lock file, or tells which living process holds it.
 *
 * The file appears with its content in one step (a link to a finished file). Only its living owner removes it, or, once that
 * is dead, whoever holds the lock for breaking locks: that one still finds the dead owner's content, so it cannot take away
 * a lock that somebody else has taken since. That second lock is broken in the same way, should its owner die in turn.
 */
export async function tryLock(file: string): Promise<Lock | { heldBy: number }> {
  const own = JSON.stringify(await identifySelf());
  await mkdir(dirname(file), { recursive: true });
  const mine = `${file}.${randomUUID()}`;
  await writeFile(mine, own, { mode: 0o600 });
  try {
    for (;;) {
      if (await linkIfNew(mine, file)) return { release: () => rm(file, { force: true }) };
      const held = await readFile(file, 'utf8').catch(() => null);
      if (held === null) continue;
      const holder = holderOf(held);
      if (holder && (await isAlive(holder))) return { heldBy: holder.pid };
      await breakDead(file, held);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** Nobody, where the file is damaged, as a power failure may leave it: a lock that is held is whole. */
function holderOf(held: string): ProcessIdentity | undefined {
  try {
    const { pid, startedAt, commandLine } = JSON.parse(held) as ProcessIdentity;
    return Number.isInteger(pid) ? { pid, startedAt, commandLine } : undefined;
  } catch {
    return undefined;
  }
}

/** The identity of this very process. */
export async function identifySelf(): Promise<ProcessIdentity> {
  return (await identify(process.pid)) ?? { pid: process.pid, startedAt: '', commandLine: '' };
}

async function breakDead(file: string, held: string): Promise<void> {
  const right = await tryLock(`${file}.break`);
  if (!('release' in right)) return sleep(10);
  try {
    if ((await readFile(file, 'utf8').catch(() => null)) === held) await rm(file);
  } finally {
    await right.release();
  }
}

async function linkIfNew(existing: string, file: string): Promise<boolean> {
  try {
    await link(existing, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

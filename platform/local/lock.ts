import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';
import { SetUpError } from './set-up-error.ts';

/** A lock that this process holds. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * Takes the home for this process, so that no two runs use its data at once. The lock of a process that died is taken over.
 * @throws SetUpError when a living process has it
 */
export async function acquireHome(home: string): Promise<Lock> {
  const lock = await tryLock(resolve(home, 'run', 'main.json'));
  if ('release' in lock) return lock;
  throw new SetUpError(
    `Vouchsafe is already running (pid ${lock.heldBy}) with its data in ${resolve(home)}. ` +
      'Stop that one first, or set VOUCHSAFE_HOME to another folder and PORT to another port.',
  );
}

/**
 * Takes a lock file, or tells which living process holds it.
 *
 * The file appears with its content in one step (a link to a finished file). A dead holder's file is moved aside, which
 * only one of several can do, and put back should it turn out that somebody else had already renewed it.
 */
export async function tryLock(file: string): Promise<Lock | { heldBy: number }> {
  const own = JSON.stringify(await identifySelf());
  await mkdir(dirname(file), { recursive: true });
  const mine = `${file}.${randomUUID()}`;
  await writeFile(mine, own, { mode: 0o600 });
  try {
    for (;;) {
      try {
        await link(mine, file);
        return { release: () => releaseIfOwn(file, own) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const held = await readFile(file, 'utf8').catch(() => null);
      if (held === null) continue;
      const holder = parse(held);
      if (holder && (await isAlive(holder))) return { heldBy: holder.pid };
      await setAside(file, held);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** The identity of this very process. */
export async function identifySelf(): Promise<ProcessIdentity> {
  return (await identify(process.pid)) ?? { pid: process.pid, startedAt: '', commandLine: '' };
}

async function setAside(file: string, expected: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) !== expected) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}

async function releaseIfOwn(file: string, own: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => null)) === own) await rm(file, { force: true });
}

function parse(text: string): ProcessIdentity | null {
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch {
    return null;
  }
}

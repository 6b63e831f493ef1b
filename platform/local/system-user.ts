import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readlink, realpath, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { SetUpError } from './set-up-error.ts';

const run = promisify(execFile);

/** A user of the system other than the one we run as. */
export interface SystemUser {
  uid: number;
  gid: number;
}

/**
 * Whom Postgres runs as: null for ourselves. Postgres refuses to be run by root; then it is the user `postgres`, else `nobody`.
 * @throws SetUpError when root has neither
 */
export async function postgresUser(): Promise<SystemUser | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]).catch(() => null);
    if (ids) return { uid: Number(ids[0].stdout), gid: Number(ids[1].stdout) };
  }
  throw new SetUpError(
    'Postgres refuses to be run by root, and this system has neither a user `postgres` nor `nobody` to run it as. ' +
      'Start Vouchsafe as another user, or give the addresses of databases you have.',
  );
}

/** Whether the user may enter an existing folder: tried, as modes alone do not tell (access lists, read-only mounts). */
export async function canEnter(user: SystemUser, folder: string): Promise<boolean> {
  const options = { ...user, cwd: '/' };
  return run('/bin/sh', ['-c', 'test -x "$1"', 'sh', folder], options).then(
    () => true,
    () => false,
  );
}

/**
 * Where data that belongs to `directory` can live so that the user reaches it: there, if need be after opening `directory`
 * and, within the temporary folder, the folders above it for passage (not for reading). Where a folder above is closed
 * (a checkout below /root), it is a folder of its own in /var/lib/vouchsafe, to which a link in `directory` leads.
 */
export async function reachableFolder(user: SystemUser, directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const real = await realpath(directory);
  await openForPassage(real);
  const temporary = await realpath(tmpdir());
  for (let above = dirname(real); isWithin(above, temporary); above = dirname(above)) await openForPassage(above);
  if (await canEnter(user, real)) return real;
  const way = join(real, 'elsewhere');
  const known = await readlink(way).catch(() => null);
  if (known) return known;
  const folder = await mkdtemp(join(await sharedFolder(), 'postgres-data-'));
  await openForPassage(folder);
  await symlink(folder, way);
  return folder;
}

/** A folder of root's that every user may enter. */
export async function sharedFolder(): Promise<string> {
  const folder = '/var/lib/vouchsafe';
  await mkdir(folder, { recursive: true, mode: 0o755 });
  return folder;
}

function isWithin(folder: string, parent: string): boolean {
  const path = relative(parent, folder);
  return path !== '' && !path.startsWith('..');
}

async function openForPassage(folder: string): Promise<void> {
  const { mode } = await stat(folder);
  await chmod(folder, (mode & 0o7777) | 0o011);
}

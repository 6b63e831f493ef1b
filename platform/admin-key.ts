import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The admin key: the one that is set, else the one kept under the home, made at the first start. */
export async function openAdminKey(home: string, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const path = join(home, 'admin.key');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = `vs_admin_${randomBytes(24).toString('base64url')}`;
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(path, `${key}\n`, { mode: 0o600, flag: 'wx' });
  return key;
}

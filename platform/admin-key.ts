import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADMIN_KEY, ADMIN_KEY_RULE, ConfigError } from './config.ts';

/** The admin key: the one that is set, else the one kept under the home, made at the first start. @throws ConfigError */
export async function openAdminKey(home: string, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const path = join(home, 'admin.key');
  try {
    const kept = (await readFile(path, 'utf8')).trim();
    if (ADMIN_KEY.test(kept)) return kept;
    throw new ConfigError(`${path} holds no key: expected ${ADMIN_KEY_RULE}. Without the file, a new one is made.`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = `vs_admin_${randomBytes(24).toString('base64url')}`;
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, `${key}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return key;
}

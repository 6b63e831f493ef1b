import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A random password, made at the first call and kept in a file that its owner alone can read. */
export async function keptPassword(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const mine = `${file}.${randomUUID()}`;
  await writeFile(mine, newPassword(), { mode: 0o600 });
  await link(mine, file).catch(() => {}); // whoever is first decides
  await rm(mine, { force: true });
  return readFile(file, 'utf8');
}

/** 192 random bits in characters that need no escaping in URLs or SQL. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

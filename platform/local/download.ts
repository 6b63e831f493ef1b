import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

/** An archive of an official release. */
export interface Release {
  url: string;
  /** In hexadecimal. */
  sha256: string;
  /** Where the program is within the archive. */
  member: string;
}

/** How long a download may take. */
const DOWNLOAD_MS = 5 * 60_000;

/**
 * Downloads an archive, checks it and leaves its program in the folder. Unpacks with the system's `tar`, which on macOS and
 * Windows reads zip files as well.
 * @throws Error when it cannot be had, differs from the checksum or cannot be unpacked
 */
export async function download(release: Release, program: string, folder: string, signal?: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(DOWNLOAD_MS);
  const response = await fetch(release.url, { signal: signal ? AbortSignal.any([signal, limit]) : limit });
  if (!response.ok) throw new Error(`${release.url} answered ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== release.sha256) throw new Error(`${release.url} has the SHA-256 ${sha256}, not ${release.sha256}`);
  const archive = join(folder, basename(new URL(release.url).pathname));
  await writeFile(archive, bytes);
  await promisify(execFile)('tar', ['-xf', archive, '-C', folder, release.member]);
  await rename(join(folder, release.member), join(folder, program)).catch((error) => {
    if (release.member !== program) throw error;
  });
  await chmod(join(folder, program), 0o755);
  await rm(archive);
}

import { mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a server wants to have free before its data goes to the memory file system (a container's is often 64 MB). */
const ENOUGH_BYTES = 2 ** 30;

/** A new folder in memory on Linux, elsewhere in the temporary folder. Whoever asks for it removes it. */
export async function memoryFolder(): Promise<string> {
  return mkdtemp(join((await hasMemoryFileSystem()) ? '/dev/shm' : tmpdir(), 'vouchsafe-'));
}

async function hasMemoryFileSystem(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const shm = await statfs('/dev/shm').catch(() => null);
  return shm !== null && shm.bavail * shm.bsize >= ENOUGH_BYTES;
}

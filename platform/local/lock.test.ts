import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tryLock } from './lock.ts';
import { temporaryFolder } from './testing/folder.ts';

test('of many who ask at once for the lock of a dead process, one gets it', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'lock');
  await writeFile(file, JSON.stringify({ pid: process.pid, startedAt: 'long ago', commandLine: 'node' }));
  const answers = await Promise.all(Array.from({ length: 20 }, () => tryLock(file)));
  const [held, ...more] = answers.filter((answer) => 'release' in answer);
  expect(more).toEqual([]);
  expect(answers.filter((answer) => 'heldBy' in answer && answer.heldBy === process.pid)).toHaveLength(19);
  await held?.release();
  expect(await readdir(folder)).toEqual([]);
});

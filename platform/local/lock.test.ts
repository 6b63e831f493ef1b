import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acquireHome, tryLock } from './lock.ts';
import { SetUpError } from './set-up-error.ts';
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

test.each(['', '{}', '{"pid":"x"}', 'null'])(
  'a lock file with %j, as a power failure leaves it, holds nobody up',
  async (content) => {
    const file = join(await temporaryFolder(), 'lock');
    await writeFile(file, content);
    expect(await tryLock(file)).toHaveProperty('release');
  },
);

test('a home that cannot be is refused by the name of its variable', async () => {
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  const failed = await acquireHome(file).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(SetUpError);
  expect(String(failed)).toContain(`VOUCHSAFE_HOME cannot be ${file}`);
});

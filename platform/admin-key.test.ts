import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openAdminKey } from './admin-key.ts';
import { temporaryFolder } from './local/testing/folder.ts';

test('the admin key is made once, for its owner alone', async () => {
  const home = await temporaryFolder();
  const key = await openAdminKey(home, undefined);
  expect(key).toMatch(/^vs_admin_/);
  expect((await stat(join(home, 'admin.key'))).mode & 0o777).toBe(0o600);
  expect(await openAdminKey(home, undefined)).toBe(key);
  expect(await openAdminKey(home, 'another-key-of-16')).toBe('another-key-of-16');
});

test.each(['', 'a\n', 'has spaces in it and is long'])(
  'a file with %j is refused, by its path, and stays',
  async (content) => {
    const home = await temporaryFolder();
    const path = join(home, 'admin.key');
    await writeFile(path, content);
    await expect(openAdminKey(home, undefined)).rejects.toThrow(`${path} holds no key`);
    expect(await readFile(path, 'utf8')).toBe(content);
  },
);

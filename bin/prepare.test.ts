import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** A checkout whose main function prints its arguments, and an npm that only says it was asked. */
async function checkout({ edit = (file: string) => file, installed = true } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    await writeFile(join(folder, file), edit(await readFile(join(root, file), 'utf8')));
  if (installed) await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  await mkdir(join(folder, 'cli'));
  await writeFile(
    join(folder, 'cli', 'main.ts'),
    'export const main = async (argv: string[]) => console.log(argv.join());',
  );
  await mkdir(join(folder, 'npm'));
  await writeFile(join(folder, 'npm', 'npm'), '#!/bin/sh\necho "npm $*"\nexit 1\n', { mode: 0o755 });
  return folder;
}

/** What the command line prints and how it ends. */
function vouchsafe(folder: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, PATH: `${join(folder, 'npm')}:/usr/bin:/bin` };
  return new Promise((done) => {
    const command = [join(folder, 'bin', 'vouchsafe.mjs'), ...args];
    execFile(process.execPath, command, { env }, (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test('with all installed, a command runs at once', async () => {
  expect(await vouchsafe(await checkout(), 'a', 'b')).toEqual({ code: 0, stdout: 'a,b\n', stderr: '' });
});

test('several that are started at the same time bundle the program each for itself, and none takes it from another', async () => {
  const folder = await checkout();
  await mkdir(join(folder, 'dist'));
  await writeFile(join(folder, 'dist', 'cli-main.0123456789abcdef.mjs'), 'of older sources');
  const runs = await Promise.all(Array.from({ length: 8 }, () => vouchsafe(folder, 'a')));
  expect(runs).toEqual(runs.map(() => ({ code: 0, stdout: 'a\n', stderr: '' })));
  expect(await readdir(join(folder, 'dist'))).toEqual([expect.stringMatching(/^cli-main\.[0-9a-f]{16}\.mjs$/)]);
});

test('without dependencies, or with others than the lock file has, they are installed first', async () => {
  const other = (file: string) => file.replace(/("node_modules\/pg": \{\s+"version": ")/, '$19');
  for (const folder of [await checkout({ installed: false }), await checkout({ edit: other })]) {
    const { code, stdout, stderr } = await vouchsafe(folder);
    expect(code).toBe(1);
    expect(stdout).toBe(''); // which belongs to the command
    expect(stderr).toMatch(/npm ci[\s\S]+network/);
  }
});

test('on an older Node, one message says which is needed', async () => {
  const newer = (file: string) => file.replace(/"node": ">=[\d.]+"/, '"node": ">=99.1"');
  const { code, stderr } = await vouchsafe(await checkout({ edit: newer }));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Vouchsafe needs Node\.js 99\.1 or newer; this is [\d.]+\. .+\n$/);
});

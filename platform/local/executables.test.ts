import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { localEnvironment } from './environment.ts';
import { obtain, type Tool } from './executables.ts';
import { temporaryFolder } from './testing/folder.ts';

const progress = () => {};

/** A release site on the loopback with one archive, and how often it was asked for it. */
async function releaseSite(sha256?: string) {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'tool-1'));
  await writeFile(join(folder, 'tool-1', 'tool'), '#!/bin/sh\necho released\n');
  execFileSync('tar', ['-czf', 'tool.tar.gz', 'tool-1'], { cwd: folder });
  const archive = await readFile(join(folder, 'tool.tar.gz'));
  const site = { requests: 0 };
  const server = createServer((_, response) => {
    site.requests++;
    response.end(archive);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const release = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tool.tar.gz`,
    sha256: sha256 ?? createHash('sha256').update(archive).digest('hex'),
    member: 'tool-1/tool',
  };
  const releases = { [`${process.platform}-${process.arch}`]: release };
  const tool: Tool = {
    title: 'Tool',
    program: 'tool',
    version: '1',
    releases,
    goPackage: 'example.com/tool@v1',
    homepage: 'https://tool.example',
  };
  return { tool, site };
}

/** An environment with an empty cache and nothing on PATH but the shell's own tools and one folder. */
async function emptyEnvironment() {
  const programs = await temporaryFolder();
  const path = [programs, '/bin', '/usr/bin'].join(delimiter);
  return {
    programs,
    environment: localEnvironment({ PATH: path, XDG_CACHE_HOME: await temporaryFolder(), HOME: programs }),
  };
}

async function writeProgram(file: string, script: string) {
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

test('a tool that is missing is downloaded once, however many ask at once', async () => {
  const { tool, site } = await releaseSite();
  const { environment } = await emptyEnvironment();
  const paths = await Promise.all([1, 2, 3].map(() => obtain(tool, { environment, progress })));
  expect(new Set(paths)).toEqual(new Set([join(environment.cache, 'tool-1', 'tool')]));
  expect(execFileSync(paths[0] ?? '', { encoding: 'utf8' })).toBe('released\n');
  expect(site.requests).toBe(1);
});

test('a tool on PATH comes before any download', async () => {
  const { tool, site } = await releaseSite();
  const { environment, programs } = await emptyEnvironment();
  await writeProgram(join(programs, 'tool'), 'echo mine');
  expect(await obtain(tool, { environment, progress })).toBe(join(programs, 'tool'));
  expect(site.requests).toBe(0);
});

test('a download with another checksum is not kept; Go builds the tool instead', async () => {
  const { tool } = await releaseSite('0'.repeat(64));
  const { environment, programs } = await emptyEnvironment();
  await writeProgram(
    join(programs, 'go'),
    'test "$*" = "install example.com/tool@v1" && printf built > "$GOBIN/tool" && chmod +x "$GOBIN/tool"',
  );
  const path = await obtain(tool, { environment, progress });
  expect(await readFile(path, 'utf8')).toBe('built');
  expect(await readdir(dirname(path))).toEqual(['tool']);
});

test('a tool that cannot be had is one message that says what to do', async () => {
  const { tool } = await releaseSite('0'.repeat(64));
  const { environment, programs } = await emptyEnvironment();
  await writeProgram(join(programs, 'go'), 'echo no network >&2; exit 1');
  const failure = obtain(tool, { environment, progress });
  await expect(failure).rejects.toThrow(/SHA-256.*no network.*https:\/\/tool\.example.*docker compose up/s);
});

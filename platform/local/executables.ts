import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { download, type Release } from './download.ts';
import type { LocalEnvironment } from './environment.ts';
import { type Lock, tryLock } from './lock.ts';
import { ELSEWHERE, SetUpError } from './set-up-error.ts';

/** A program that can be had from more than one place. */
export interface Tool {
  /** What messages call it. */
  title: string;
  program: string;
  version: string;
  /** Official releases with known checksums, by `<platform>-<arch>` of Node. */
  releases: Readonly<Record<string, Release>>;
  /** What `go install` builds it from. */
  goPackage: string;
  /** Where people get it. */
  homepage: string;
}

export interface ObtainOptions {
  environment: LocalEnvironment;
  progress: (line: string) => void;
  signal?: AbortSignal | undefined;
}

/**
 * The path of a tool: on PATH, else in our cache, else put there from its official release, else by `go install`.
 * Package managers are never run.
 * @throws SetUpError that says what to do, when none of these works
 */
export async function obtain(tool: Tool, options: ObtainOptions): Promise<string> {
  const onPath = await findOnPath(tool.program, options.environment.path);
  if (onPath) return onPath;
  const cached = join(options.environment.cache, `${tool.program}-${tool.version}`, executable(tool.program));
  if (await isExecutable(cached)) return cached;
  const lock = await waitForLock(`${dirname(cached)}.lock`, tool, options);
  try {
    if (!(await isExecutable(cached))) await fetch(tool, cached, options);
    return cached;
  } finally {
    await lock.release();
  }
}

/** The first program of this name on a PATH, or null. */
export async function findOnPath(program: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const file = join(folder, executable(program));
    if (await isExecutable(file)) return file;
  }
  return null;
}

/** Puts the tool at its place in the cache, in one step: a folder beside it is filled, and its program renamed. */
async function fetch(tool: Tool, target: string, options: ObtainOptions): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(`${dirname(target)}/new-`);
  const failures: string[] = [];
  try {
    for (const way of [fromRelease, fromGo]) {
      const failure = await way(tool, folder, options);
      if (failure === null) return await rename(join(folder, executable(tool.program)), target);
      failures.push(failure);
      options.signal?.throwIfAborted();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  throw new SetUpError(
    `${tool.title} (${tool.program}) was not found on PATH, and could not be fetched: ${failures.join('; ')}. ` +
      `Install it (${tool.homepage}) or Go 1.24 or newer (https://go.dev/dl), and start again. ${ELSEWHERE}`,
  );
}

/** @returns null when the program is in the folder, else why not */
async function fromRelease(tool: Tool, folder: string, { progress, signal }: ObtainOptions): Promise<string | null> {
  const system = `${process.platform}-${process.arch}`;
  const release = tool.releases[system];
  if (!release) return `no release with a known checksum for ${system}`;
  progress(`Downloading ${tool.title} ${tool.version} (${new URL(release.url).host}), once`);
  return download(release, executable(tool.program), folder, signal).then(
    () => null,
    (error: Error) => `the download failed (${describe(error)})`,
  );
}

/** @returns null when the program is in the folder, else why not */
async function fromGo(
  tool: Tool,
  folder: string,
  { environment, progress, signal }: ObtainOptions,
): Promise<string | null> {
  const go = await findOnPath('go', environment.path);
  if (!go) return 'Go is not installed';
  const what = `Building ${tool.title} ${tool.version} with Go, once; this takes some minutes`;
  progress(what);
  const startedAt = Date.now();
  const ticker = setInterval(() => progress(`${what} (${Math.round((Date.now() - startedAt) / 1000)} s)`), 5_000);
  const env = { ...environment.variables, GOBIN: folder };
  const child = spawn(go, ['install', tool.goPackage], {
    cwd: folder,
    env,
    signal,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => resolve(`go install failed (${describe(error)})`));
      child.once('close', (code) =>
        resolve(code === 0 ? null : `go install failed (${said.join('').trim().split('\n').slice(-3).join(' ')})`),
      );
    });
  } finally {
    clearInterval(ticker);
  }
}

async function waitForLock(file: string, tool: Tool, { progress, signal }: ObtainOptions): Promise<Lock> {
  for (let told = false; ; told = true) {
    const lock = await tryLock(file);
    if ('release' in lock) return lock;
    if (!told) progress(`Waiting for pid ${lock.heldBy}, which is fetching ${tool.title}`);
    await sleep(500, undefined, signal ? { signal } : {});
  }
}

function executable(program: string): string {
  return process.platform === 'win32' ? `${program}.exe` : program;
}

async function isExecutable(file: string): Promise<boolean> {
  const isFile = await stat(file).then(
    (entry) => entry.isFile(),
    () => false,
  );
  return (
    isFile &&
    access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
  );
}

/** `fetch` hides the reason, such as a name that cannot be resolved, in the cause. */
function describe(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

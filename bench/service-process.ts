import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startCommand } from '../platform/start-command.ts';
import type { Stage } from './stage.ts';

/** The service in a process of its own, as `npm start` runs it. */
export interface ServiceProcess {
  /** Where the API listens. */
  url: URL;
  adminKey: string;
  /** The memory it holds resident, looked at a few times a second. MiB. */
  rssMib(): number;
  /** The most that has been since it was ready. */
  peakRssMib(): number;
  stop(): Promise<void>;
}

/** A service that has just started is not measured for so long: V8 compiles what is hot, on as many threads as there are cores. */
export const WARM_UP_SECONDS = 10;

const READY_MS = 120_000;
const STOP_MS = 30_000;
const POLL_MS = 100;
const RSS_EVERY_MS = 200;

/** Starts the service over the stage's servers, on a free port. @throws Error with the end of its log when it does not start */
export async function startServiceProcess(
  { urls, serviceHome, signal }: Stage,
  settings: Record<string, string> = {},
): Promise<ServiceProcess> {
  const adminKey = randomBytes(24).toString('hex');
  await mkdir(serviceHome, { recursive: true });
  const log = join(serviceHome, 'service.log');
  const output = await open(log, 'w');
  const child = spawnService({
    stdio: ['ignore', output.fd, output.fd],
    env: {
      ...process.env,
      PORT: '0',
      VOUCHSAFE_HOME: serviceHome,
      VOUCHSAFE_ADMIN_KEY: adminKey,
      GIFT_CODE_DATABASE_URL: urls.giftCodeDatabase,
      WALLET_DATABASE_URL: urls.walletDatabase,
      GATEWAY_DATABASE_URL: urls.gatewayDatabase,
      NATS_URL: urls.nats,
      TEMPORAL_ADDRESS: urls.temporal,
      ...(urls.redis && { REDIS_URL: urls.redis }),
      ...settings,
    },
  });
  await output.close();
  try {
    const url = await whenReady(child, join(serviceHome, 'run.json'), signal);
    const rss = watchRss(child);
    return {
      url: new URL(url),
      adminKey,
      rssMib: rss.mib,
      peakRssMib: rss.peakMib,
      async stop() {
        rss.stop();
        await end(child);
      },
    };
  } catch (error) {
    await end(child);
    signal.throwIfAborted();
    const written = (await readFile(log, 'utf8')).trim().split('\n').slice(-5).join('\n');
    throw new Error(`the service did not start: ${(error as Error).message}\n${written}`);
  }
}

/** `npm start` without npm in between. */
export const spawnService = (options: Pick<SpawnOptions, 'env' | 'stdio'>, args: string[] = []): ChildProcess =>
  spawn(process.execPath, [...startCommand(), ...args], options);

/** Waits for the file in which the service tells where it is. */
async function whenReady(child: ChildProcess, runFile: string, signal: AbortSignal): Promise<string> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    if (hasExited(child)) throw new Error('it ended at once');
    const text = await readFile(runFile, 'utf8').catch(() => null);
    const run = text === null ? null : (JSON.parse(text) as { api: string; pids: { app: number } });
    if (run && run.pids.app === child.pid) return run.api;
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new Error(`it was not ready after ${READY_MS / 1000} s`);
}

function watchRss(child: ChildProcess): { mib(): number; peakMib(): number; stop(): void } {
  let kib = 0;
  let peakKib = 0;
  const timer = setInterval(async () => {
    kib = await rssKib(child.pid as number).catch(() => 0);
    peakKib = Math.max(peakKib, kib);
  }, RSS_EVERY_MS);
  return { mib: () => kib / 1024, peakMib: () => peakKib / 1024, stop: () => clearInterval(timer) };
}

async function rssKib(pid: number): Promise<number> {
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  }
  return Number((await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])).stdout);
}

async function end(child: ChildProcess): Promise<void> {
  if (hasExited(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(killer);
}

const hasExited = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

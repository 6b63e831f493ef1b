import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnService } from '../bench/service-process.ts';
import { caller, type TestService, type TestWorld, until } from './harness.ts';

export interface TestProcess extends TestService {
  pid: number;
  /** What its run.json tells by now. */
  run(): Promise<RunFile>;
  /** SIGKILL: no chance to finish anything. */
  kill(): Promise<void>;
}

interface RunFile {
  api: string;
  nats: string;
  databases: { gateway: string; gift_code: string; wallet: string };
  pids: Record<'app' | 'postgres' | 'temporal' | 'nats', number> & { redis?: number };
}

/** Starts the whole service as a process of its own in a world, as `npm start` does. */
export async function spawnIn(
  world: Pick<TestWorld, 'home' | 'environment'>,
  settings: Record<string, string> = {},
): Promise<TestProcess> {
  const home = await mkdtemp(join(world.home, 'process-'));
  const child = spawnService({
    env: { ...process.env, ...world.environment, VOUCHSAFE_HOME: home, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const run = async (): Promise<RunFile> => JSON.parse(await readFile(join(home, 'run.json'), 'utf8'));
  const { api: url } = await until(() => {
    if (child.exitCode !== null) throw new Error(`the service ended: ${errors}`);
    return run().catch(() => undefined);
  });
  const end = async (signal: NodeJS.Signals) => {
    if (isRunning(child)) child.kill(signal);
    await exited;
    await rm(home, { recursive: true, force: true });
  };
  return {
    url,
    pid: child.pid ?? 0,
    run,
    call: caller(url),
    kill: () => end('SIGKILL'),
    close: () => end('SIGTERM'),
  };
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

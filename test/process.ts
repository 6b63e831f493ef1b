import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnService } from '../bench/service-process.ts';
import { caller, type TestService, type TestWorld, until } from './harness.ts';

export interface TestProcess extends TestService {
  pid: number;
  /** SIGKILL: no chance to finish anything. */
  kill(): Promise<void>;
}

/** Starts the whole service as a process of its own in a world, as `npm start` does. */
export async function spawnIn(world: TestWorld, settings: Record<string, string> = {}): Promise<TestProcess> {
  const home = await mkdtemp(join(world.home, 'process-'));
  const child = await spawnService({
    env: { ...process.env, ...world.environment, VOUCHSAFE_HOME: home, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await until(async () => {
    if (child.exitCode !== null) throw new Error(`the service ended: ${errors}`);
    const run = await readFile(join(home, 'run.json'), 'utf8').catch(() => undefined);
    return run && (JSON.parse(run).api as string);
  });
  const end = async (signal: NodeJS.Signals) => {
    if (isRunning(child)) child.kill(signal);
    await exited;
    await rm(home, { recursive: true, force: true });
  };
  return { url, pid: child.pid ?? 0, call: caller(url), kill: () => end('SIGKILL'), close: () => end('SIGTERM') };
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

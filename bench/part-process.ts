import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { spawnService } from './service-process.ts';

/** A part of the service in a process of its own. */
export interface PartProcess {
  /** Where it listens; empty where it does not. */
  url: string;
  pid: number;
  /** Sends a signal, and waits until it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a part, as `vouchsafe serve` and `vouchsafe work` do, with these variables and no others but where programs are.
 * @throws Error with what it wrote, when it does not start
 */
export async function startPart(role: string, variables: Record<string, string>): Promise<PartProcess> {
  const { PATH = '', HOME = '' } = process.env;
  const options = {
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME, ...variables },
  };
  const child = spawnService(options, role.split(' '));
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const exited = once(child, 'exit');
  const ended = exited.then(() => {
    throw new Error(`${role} ended: ${errors}`);
  });
  ended.catch(() => undefined);
  if (!child.stdout) throw new Error('there is no standard output');
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  return {
    url: / at (http\S+)$/.exec(String(line))?.[1] ?? '',
    pid: child.pid ?? 0,
    async end(signal) {
      child.kill(signal);
      await exited;
    },
  };
}

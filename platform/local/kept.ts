import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from './processes.ts';

export interface KeepOptions {
  /** What messages call it. */
  name: string;
  /** Where its output is. */
  log: string;
  /** Starts it again, on its data and at its address. */
  again: (signal: AbortSignal) => Promise<ServerProcess>;
  /** Told each time that it runs again. */
  restarted: (pid: number) => void;
  /** Told one line when it has ended, when it cannot be started, and when it runs again. */
  progress: (line: string) => void;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * Starts a server again whenever it ends by itself, until it is stopped: at once when it had run for longer than the
 * longest wait, else after a wait that doubles each time.
 */
export function keep(first: ServerProcess, options: KeepOptions): Pick<ServerProcess, 'stop'> {
  const { name, log, again, restarted, progress } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const stopped = once(signal, 'abort');
  let server = first;
  let startedAt = Date.now();
  let waitMs = 0;

  const watch = async () => {
    for (;;) {
      await Promise.race([server.lost, stopped]);
      if (signal.aborted) return;
      progress(`The private ${name} server (pid ${server.pid}) has ended, and is started again; see ${log}`);
      await server.stop();
      await restart();
    }
  };
  const restart = async () => {
    if (Date.now() - startedAt > LONGEST_WAIT_MS) waitMs = 0;
    for (;;) {
      await sleep(waitMs, undefined, { signal });
      waitMs = Math.min(Math.max(waitMs * 2, FIRST_WAIT_MS), LONGEST_WAIT_MS);
      startedAt = Date.now();
      try {
        server = await again(signal);
      } catch (error) {
        signal.throwIfAborted();
        progress(`${(error as Error).message}\nThe private ${name} server is tried again in ${waitMs / 1000} s`);
        continue;
      }
      progress(`The private ${name} server runs again (pid ${server.pid})`);
      return restarted(server.pid);
    }
  };
  const watching = watch().catch((error) => {
    if (!signal.aborted) progress(`The private ${name} server is not watched any more: ${(error as Error).message}`);
  });
  return {
    async stop() {
      stopping.abort();
      await watching;
      await server.stop();
    },
  };
}

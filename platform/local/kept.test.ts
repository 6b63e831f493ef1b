import { expect, test } from 'vitest';
import { keep } from './kept.ts';
import type { ServerProcess } from './processes.ts';

function deferred<T = void>() {
  let resolve = (_value: T) => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: (value: T) => resolve(value) };
}

/** What `keep` sees of a server, and a way to end it. */
function fakeServer(pid: number) {
  const { promise: lost, resolve: end } = deferred();
  const server = { pid, stops: 0, lost, stop: async () => void server.stops++, kill: async () => {} };
  return { server, end };
}

function kept(again: (signal: AbortSignal) => Promise<ServerProcess>) {
  const lines: string[] = [];
  const first = fakeServer(1);
  const { promise: runsAgain, resolve: restarted } = deferred<number>();
  const progress = (line: string) => lines.push(line);
  const keeper = keep(first.server, { name: 'nats', log: 'nats.log', again, restarted, progress });
  return { first, keeper, lines, runsAgain };
}

test('a server that cannot be started again is tried until it can', async () => {
  const second = fakeServer(2);
  let tries = 0;
  const { first, keeper, lines, runsAgain } = kept(async () => {
    if (++tries === 1) throw new Error('no space left on device');
    return second.server;
  });
  first.end();
  expect(await runsAgain).toBe(2);
  expect(lines).toEqual([
    'The private nats server (pid 1) has ended, and is started again; see nats.log',
    'no space left on device\nThe private nats server is tried again in 1 s',
    'The private nats server runs again (pid 2)',
  ]);
  await keeper.stop();
  expect([first.server.stops, second.server.stops]).toEqual([1, 1]);
});

test('one that is stopped while it waits for the next try, or is being started, is not started after that', async () => {
  let tries = 0;
  const waits = kept(async () => {
    tries++;
    throw new Error('no space left on device');
  });
  waits.first.end();
  while (!waits.lines.some((line) => line.includes('tried again'))) await new Promise(setImmediate);
  await waits.keeper.stop();
  expect(tries).toBe(1);

  const second = fakeServer(2);
  const [begun, going] = [deferred(), deferred()];
  const starts = kept(async () => {
    begun.resolve();
    await going.promise;
    return second.server;
  });
  starts.first.end();
  await begun.promise;
  const stopped = starts.keeper.stop();
  going.resolve();
  await stopped;
  expect(second.server.stops).toBe(1);
});

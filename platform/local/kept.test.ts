import { expect, test } from 'vitest';
import { keep } from './kept.ts';
import type { ServerProcess } from './processes.ts';

/** What `keep` sees of a server, and a way to end it. */
function fakeServer(pid: number) {
  let end = () => {};
  const lost = new Promise<void>((resolve) => {
    end = resolve;
  });
  const server = { pid, stops: 0, lost, stop: async () => void server.stops++, kill: async () => {} };
  return { server, end: () => end() };
}

function kept(again: (signal: AbortSignal) => Promise<ServerProcess>) {
  const lines: string[] = [];
  const first = fakeServer(1);
  let restarted = (_pid: number) => {};
  const runsAgain = new Promise<number>((resolve) => {
    restarted = resolve;
  });
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
  let begun = () => {};
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let go = () => {};
  const going = new Promise<void>((resolve) => {
    go = resolve;
  });
  const starts = kept(async () => {
    begun();
    await going;
    return second.server;
  });
  starts.first.end();
  await beginning;
  const stopped = starts.keeper.stop();
  go();
  await stopped;
  expect(second.server.stops).toBe(1);
});

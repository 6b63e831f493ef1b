import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openLoop } from './open-loop.ts';

const loop = { rate: 20, clients: 4, warmUpSeconds: 0, seconds: 1, signal: new AbortController().signal };
const items = Array.from({ length: 100 }, (_, index) => index);

test('each request that is due is sent once, in its order, none before its time', async () => {
  const sent: number[] = [];
  const early: number[] = [];
  const begun = performance.now();
  const { done, failed, latencies } = await openLoop(loop, items, async (item) => {
    if (performance.now() - begun < item * 50) early.push(item);
    sent.push(item);
    return item % 10 !== 0;
  });
  expect(sent).toEqual(items.slice(0, 20));
  expect(early).toEqual([]);
  expect({ done, failed, measured: latencies.count }).toEqual({ done: 18, failed: 2, measured: 18 });
});

test('a stall is charged with the requests that became due meanwhile', async () => {
  const { latencies, late } = await openLoop({ ...loop, clients: 1 }, items, async (item) => {
    if (item === 0) await sleep(500);
    return true;
  });
  // At 500 ms, ten are due: the first has waited 500 ms, the second 450 ms, and so on.
  expect(latencies.percentile(100)).toBeGreaterThan(490);
  expect(latencies.percentile(70)).toBeGreaterThan(90);
  expect(late).toBeGreaterThanOrEqual(7);
});

test('what cannot be sent before the time is up is not sent, and counts with its waiting', async () => {
  const sent: number[] = [];
  const { done, unsent, latencies } = await openLoop({ ...loop, clients: 1 }, items, async (item) => {
    await sleep(1_200);
    return sent.push(item) > 0;
  });
  expect(sent).toEqual([0]);
  expect({ done, unsent, measured: latencies.count }).toEqual({ done: 1, unsent: 19, measured: 20 });
});

test('the warm-up is done but not measured', async () => {
  const { done, latencies } = await openLoop({ ...loop, warmUpSeconds: 1 }, items, async () => true);
  expect({ done, measured: latencies.count }).toEqual({ done: 40, measured: 20 });
});

test('an error, or the signal, ends it', async () => {
  const broken = openLoop(loop, items, () => Promise.reject(new Error('broken')));
  await expect(broken).rejects.toThrow('broken');
  const stop = new AbortController();
  const stopped = openLoop({ ...loop, signal: stop.signal }, items, () => new Promise(() => undefined));
  stop.abort(new Error('stopped'));
  await expect(stopped).rejects.toThrow('stopped');
});

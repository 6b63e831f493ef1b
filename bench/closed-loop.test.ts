import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { closedLoop } from './closed-loop.ts';

const loop = { clients: 3, warmUpSeconds: 0, seconds: 60, signal: new AbortController().signal };

test('every item is worked on once, and failures are no part of the rate', async () => {
  const worked: number[] = [];
  const items = Array.from({ length: 100 }, (_, index) => index);
  const result = await closedLoop(loop, items, async (item) => {
    await sleep(1);
    return worked.push(item) > 0 && item % 10 !== 0;
  });
  expect(worked.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  expect(result).toMatchObject({ done: 90, failed: 10 });
  expect(result.latencies.count).toBe(90);
  expect(result.eachSecond).toHaveLength(60);
  expect(result.eachSecond.reduce((sum, count) => sum + count)).toBe(90);
});

test('no client takes the next item before its last one has ended', async () => {
  let underway = 0;
  let most = 0;
  await closedLoop(loop, Array.from({ length: 30 }, String), async () => {
    most = Math.max(most, ++underway);
    await sleep(1);
    underway--;
    return true;
  });
  expect(most).toBe(3);
});

test('what ends during the warm-up is done but not measured', async () => {
  const { done, latencies, eachSecond } = await closedLoop({ ...loop, warmUpSeconds: 60 }, [1, 2, 3], async () => true);
  expect(done).toBe(3);
  expect(new Set(eachSecond)).toEqual(new Set([0]));
  expect(latencies.count).toBe(0);
});

test('an error, or the signal, ends it', async () => {
  const broken = closedLoop(loop, [1], async () => Promise.reject(new Error('broken')));
  await expect(broken).rejects.toThrow('broken');
  const stop = new AbortController();
  const stopped = closedLoop({ ...loop, signal: stop.signal }, [1], () => new Promise(() => undefined));
  stop.abort(new Error('stopped'));
  await expect(stopped).rejects.toThrow('stopped');
});

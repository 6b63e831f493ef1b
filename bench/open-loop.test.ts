import { expect, test } from 'vitest';
import { type Clock, openLoop } from './open-loop.ts';

/** Time that passes only while all sleep: whoever is to wake first does so at once. */
function virtualClock(): Clock {
  let time = 0;
  const sleepers: { at: number; wake: () => void }[] = [];
  const wakeNext = () => {
    const [next] = sleepers.sort((a, b) => a.at - b.at).splice(0, 1);
    time = next?.at ?? time;
    next?.wake();
  };
  return {
    now: () => time,
    sleep: (ms) =>
      new Promise<void>((wake) => {
        sleepers.push({ at: time + ms, wake });
        setImmediate(wakeNext);
      }),
  };
}

const loop = { rate: 20, clients: 4, warmUpSeconds: 0, seconds: 1, signal: new AbortController().signal };
const items = Array.from({ length: 100 }, (_, index) => index);

test('each request that is due is sent once, in its order, at its time', async () => {
  const clock = virtualClock();
  const sent: [number, number][] = [];
  const send = async (item: number) => {
    sent.push([item, clock.now()]);
    return item % 10 !== 0;
  };
  const { done, failed, latencies } = await openLoop(loop, items, send, clock);
  expect(sent).toEqual(items.slice(0, 20).map((item) => [item, item * 50]));
  expect({ done, failed, measured: latencies.count }).toEqual({ done: 18, failed: 2, measured: 18 });
});

test('a stall is charged with the requests that became due meanwhile', async () => {
  const clock = virtualClock();
  const send = async (item: number) => {
    if (item === 0) await clock.sleep(500);
    return true;
  };
  const { latencies, late } = await openLoop({ ...loop, clients: 1 }, items, send, clock);
  // At 500 ms, ten are due: the first has waited 500 ms, the second 450 ms, and so on.
  expect(latencies.percentile(100)).toBeCloseTo(500, 0);
  expect(latencies.percentile(70)).toBeCloseTo(200, 0);
  expect(late).toBe(7);
});

test('what cannot be sent before the time is up is not sent, and counts with its waiting', async () => {
  const clock = virtualClock();
  const sent: number[] = [];
  const send = async (item: number) => {
    await clock.sleep(1_200);
    return sent.push(item) > 0;
  };
  const { done, unsent, latencies } = await openLoop({ ...loop, clients: 1 }, items, send, clock);
  expect(sent).toEqual([0]);
  expect({ done, unsent, measured: latencies.count }).toEqual({ done: 1, unsent: 19, measured: 20 });
});

test('the warm-up is done but not measured', async () => {
  const clock = virtualClock();
  const { done, latencies } = await openLoop({ ...loop, warmUpSeconds: 1 }, items, async () => true, clock);
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

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { batched } from './batched.ts';

/** Work that is done when the test says so. */
function controlled(limits: Parameters<typeof batched>[1]) {
  const underway: { items: number[]; finish(): void }[] = [];
  const add = batched<number, number>(
    (items) => new Promise((resolve) => underway.push({ items, finish: () => resolve(items) })),
    limits,
  );
  let next = 0;
  const offer = async (count: number) => {
    const results = Array.from({ length: count }, () => add(next++));
    await turn();
    return results;
  };
  const finish = async (index: number) => {
    underway.splice(index, 1)[0]?.finish();
    await turn();
  };
  return { underway, offer, finish, lengths: () => underway.map(({ items }) => items.length) };
}

/** Comes after what was put off to the end of this turn of the event loop, and waits for no clock. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('items of one turn go together, and each gets its own result', async () => {
  const { offer, finish, lengths } = controlled({ max: 10, inFlight: 1 });
  const results = await offer(3);
  expect(lengths()).toEqual([3]);
  await finish(0);
  expect(await Promise.all(results)).toEqual([0, 1, 2]);
});

test('what comes while all places are taken is the next batch', async () => {
  const { offer, finish, lengths } = controlled({ max: 10, inFlight: 2 });
  await offer(1);
  await offer(1);
  await offer(5);
  expect(lengths()).toEqual([1, 1]);
  await finish(0);
  expect(lengths()).toEqual([1, 3]);
});

test('nobody gets more than the longest batch', async () => {
  const { offer, lengths } = controlled({ max: 4, inFlight: 2 });
  await offer(20);
  expect(lengths()).toEqual([4, 4]);
});

test('with an overhead, a few items use all places at once', async () => {
  const { offer, lengths } = controlled({ max: 100, inFlight: 2, overhead: 10 });
  await offer(1);
  await offer(3);
  expect(lengths()).toEqual([1, 3]);
});

test('with an overhead, more than a few wait beside a batch, be it ever so short', async () => {
  const { offer, finish, lengths } = controlled({ max: 100, inFlight: 2, overhead: 10 });
  await offer(1);
  await offer(6);
  expect(lengths()).toEqual([1]);
  await finish(0);
  expect(lengths()).toEqual([6]);
});

test('with an overhead, some items are one batch and not two', async () => {
  const { offer, lengths } = controlled({ max: 100, inFlight: 2, overhead: 10 });
  await offer(30);
  expect(lengths()).toEqual([30]);
});

test('with an overhead, what comes beside a batch waits until it is a long one', async () => {
  const { offer, lengths } = controlled({ max: 100, inFlight: 2, overhead: 10 });
  await offer(30);
  offer(25);
  await offer(15);
  expect(lengths()).toEqual([30, 40]);
});

test('with an overhead, what comes beside a batch waits no longer than a moment', async () => {
  const { offer, lengths } = controlled({ max: 100, inFlight: 2, overhead: 10 });
  await offer(30);
  await offer(20);
  while (lengths().length < 2) await turn();
  expect(lengths()).toEqual([30, 20]);
});

test('with an overhead, enough for two long batches are two of like length', async () => {
  const { offer, lengths } = controlled({ max: 100, inFlight: 2, overhead: 10 });
  await offer(90);
  expect(lengths()).toEqual([45, 45]);
});

describe('by the clock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  test('with an overhead, what is enough for two long batches waits for its share, and longer than a moment', async () => {
    const { offer, finish, lengths } = controlled({ max: 100, inFlight: 2, overhead: 10 });
    void offer(90);
    await pass(5);
    void finish(0);
    void offer(40);
    await pass(60);
    expect(lengths()).toEqual([45]);
    void offer(5);
    await pass(5);
    expect(lengths()).toEqual([45, 45]);
  });

  test('with an overhead, it does not wait for its share for ever', async () => {
    const { offer, finish, lengths } = controlled({ max: 100, inFlight: 2, overhead: 10 });
    void offer(90);
    await pass(5);
    void finish(0);
    void offer(40);
    await pass(200);
    expect(lengths()).toEqual([45, 40]);
  });

  test('with an overhead, a few that come just after a great load wait a moment for more, and are not kept for long', async () => {
    const { offer, finish, lengths } = controlled({ max: 100, inFlight: 2, overhead: 10 });
    void offer(90);
    await pass(5);
    void finish(0);
    await pass(100);
    void finish(0);
    await pass(5);
    void offer(10);
    await pass(20);
    expect(lengths()).toEqual([]);
    await pass(30);
    expect(lengths()).toEqual([10]);
    void finish(0);
    await pass(600);
    void offer(10);
    await pass(5);
    expect(lengths()).toEqual([10]);
  });

  test('a short batch gathers what comes within some milliseconds, also when it was kept waiting', async () => {
    const { offer, finish, lengths } = controlled({ max: 100, inFlight: 1, gatherMs: () => 20 });
    void offer(1);
    await pass(10);
    void offer(2);
    expect(lengths()).toEqual([]);
    await pass(15);
    expect(lengths()).toEqual([3]);
    void offer(1);
    await pass(5);
    void finish(0);
    await pass(10);
    void offer(1);
    expect(lengths()).toEqual([]);
    await pass(15);
    expect(lengths()).toEqual([2]);
  });
});

test('a batch that is not short gathers no longer', async () => {
  const { offer, lengths } = controlled({ max: 100, inFlight: 1, gatherMs: () => 60_000 });
  await offer(16);
  expect(lengths()).toEqual([16]);
});

test('an error is that of every item of its batch', async () => {
  const add = batched<number, number>(() => Promise.reject(new Error('away')), { max: 10, inFlight: 1 });
  const results = await Promise.allSettled([add(1), add(2)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

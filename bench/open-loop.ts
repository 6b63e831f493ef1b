import { setTimeout as sleep } from 'node:timers/promises';
import { Latencies } from './latencies.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface OpenLoopOptions {
  /** Requests that become due in a second, at even distances. */
  rate: number;
  /** How many may be under way at the same time. */
  clients: number;
  /** Not measured, before what is. */
  warmUpSeconds: number;
  seconds: number;
  signal: AbortSignal;
}

export interface OpenLoopResult {
  /** From when each request was due; of those that were never sent, how long they had waited at the end. */
  latencies: Latencies;
  /** All that went well, warm-up included. */
  done: number;
  failed: number;
  /** Of what was measured: sent too late, since no client was free, or never. */
  late: number;
  unsent: number;
}

/** How time passes. */
export interface Clock {
  /** In milliseconds. */
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

const WALL_CLOCK: Clock = { now: () => performance.now(), sleep };

/** A request is late that was sent later than this after it was due. More than a timer and a busy event loop take. */
const LATE_MS = 100;

/**
 * Open loop: requests become due by the clock, however long the answers to earlier ones take, and a latency begins when
 * its request is due. Thus a server that stalls is charged with all that would have come meanwhile, which a closed loop
 * omits. What is not sent when the time is up is not sent any more.
 *
 * @param items one for each request, warm-up included
 * @param work answers whether it went well; an error ends the loop
 */
export async function openLoop<Item>(
  { rate, clients, warmUpSeconds, seconds, signal }: OpenLoopOptions,
  items: Item[],
  work: (item: Item, client: number) => Promise<boolean>,
  { now, sleep }: Clock = WALL_CLOCK,
): Promise<OpenLoopResult> {
  const result: OpenLoopResult = { latencies: new Latencies(), done: 0, failed: 0, late: 0, unsent: 0 };
  const firstMeasured = warmUpSeconds * rate;
  const count = (warmUpSeconds + seconds) * rate;
  const start = now();
  const end = start + (warmUpSeconds + seconds) * 1_000;
  let next = 0;
  const send = async (item: Item, client: number, dueAt: number, isMeasured: boolean) => {
    if (isMeasured && now() - dueAt > LATE_MS) result.late++;
    const isWell = await work(item, client);
    if (isWell) result.done++;
    else result.failed++;
    if (isWell && isMeasured) result.latencies.record(now() - dueAt);
  };
  const client = async (number: number) => {
    for (let index = next++; index < count; index = next++) {
      const item = items[index];
      if (item === undefined) throw new Error('there are fewer items than requests');
      const dueAt = start + (index / rate) * 1_000;
      const isMeasured = index >= firstMeasured;
      // A timer may fire a little early.
      for (let ms = dueAt - now(); ms > 0; ms = dueAt - now()) {
        await sleep(Math.ceil(ms));
      }
      if (signal.aborted) return;
      if (now() <= end) await send(item, number, dueAt, isMeasured);
      else if (isMeasured) {
        result.unsent++;
        result.latencies.record(now() - dueAt);
      }
    }
  };
  await unlessAborted(signal, Promise.all(Array.from({ length: clients }, (_, number) => client(number))));
  return result;
}

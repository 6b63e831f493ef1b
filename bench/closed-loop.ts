import { Latencies } from './latencies.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface LoopOptions {
  /** How many do one thing after the other, at the same time. */
  clients: number;
  /** Not measured, before what is. */
  warmUpSeconds: number;
  seconds: number;
  signal: AbortSignal;
}

export interface LoopResult {
  perSecond: number;
  /** Of what was measured. */
  latencies: Latencies;
  /** All that went well, warm-up included. */
  done: number;
  failed: number;
  /** How many went well in each second of the measurement. */
  eachSecond: number[];
}

/**
 * Closed loop: each client takes the next item as soon as it is through with the last one, until the time is up or the
 * items are used up. What was begun in time is ended, and measured if it ended in time.
 *
 * @param work answers whether it went well; an error ends the loop
 */
export async function closedLoop<Item>(
  { clients, warmUpSeconds, seconds, signal }: LoopOptions,
  items: Item[],
  work: (item: Item, client: number) => Promise<boolean>,
): Promise<LoopResult> {
  const latencies = new Latencies();
  const from = performance.now() + warmUpSeconds * 1_000;
  const to = from + seconds * 1_000;
  const eachSecond = Array.from({ length: seconds }, () => 0);
  let lastEnd = from;
  let done = 0;
  let failed = 0;
  const client = async (number: number) => {
    for (let begun = performance.now(); begun < to && !signal.aborted; begun = performance.now()) {
      const item = items.pop();
      if (item === undefined) return;
      const isWell = await work(item, number);
      const ended = performance.now();
      if (isWell) done++;
      else failed++;
      if (!isWell || ended < from || ended > to) continue;
      latencies.record(ended - begun);
      const second = Math.min(Math.floor((ended - from) / 1_000), seconds - 1);
      eachSecond[second] = (eachSecond[second] ?? 0) + 1;
      lastEnd = ended;
    }
  };
  await unlessAborted(signal, Promise.all(Array.from({ length: clients }, (_, number) => client(number))));
  const measuredMs = (items.length > 0 ? to : lastEnd) - from;
  return { perSecond: (latencies.count / measuredMs) * 1_000, latencies, done, failed, eachSecond };
}

export interface BatchLimits {
  /** Most items of a batch. */
  max: number;
  /** Most batches under way at the same time. */
  inFlight: number;
  /** What a batch costs whatever its length, in items that would cost as much; 0 where it is left out. */
  overhead?: number;
  /** How many milliseconds a short batch waits for more items, asked when there is one; left out where none waits. */
  gatherMs?(): number;
}

/** A batch of so many times its overhead is a long one. */
const LONG = 4;
/** So few items go at once, each by itself if it must: there is time for that. */
export const FEW = 4;
/** For so long the next batch may wait to become longer. */
const DELAY_MS = 40;
/** The same where there is enough for two long ones. */
const LONG_DELAY_MS = 80;
/** A load that was there for the last time so long ago is no longer reckoned with. */
const LATELY_MS = 500;
/** So many items gather no longer. */
const GATHERED = 16;

/**
 * Group commit: an item that arrives while all places are taken waits, and what has come by then is the next batch. So a
 * quiet system works on lists of one at once, and a busy one on long lists.
 *
 * A batch takes no more than its share of all that is waiting or under way, so that with two places there are two batches
 * of like size, one of which computes while the other waits for a server, instead of a long one and a stray.
 *
 * Where a batch has an overhead, its share is a long batch at least, and it waits for it a moment: beside another, unless
 * there are but a few items; and where there is much to do, or was until now, always. Else a busy system would spend itself
 * on overheads.
 *
 * Where nothing is lost by it, a short batch may also gather for some milliseconds: each batch is a round trip.
 *
 * @param work answers one result an item, in order; when it throws, every item of its batch gets the error
 */
export function batched<Item, Result>(
  work: (items: Item[]) => Promise<Result[]>,
  { max, inFlight: places, overhead = 0, gatherMs = () => 0 }: BatchLimits,
): (item: Item) => Promise<Result> {
  interface Waiting {
    item: Item;
    resolve(result: Result): void;
    reject(error: unknown): void;
  }
  const long = Math.min(max, overhead * LONG);
  let queue: Waiting[] = [];
  let inFlight = 0;
  let outstanding = 0;
  let scheduled = false;
  /** When the next batch began to wait for its share, and what ends that. */
  let waitingSince = 0;
  let peak = 0;
  let peakAt = 0;
  let delay: NodeJS.Timeout | undefined;

  const run = async (batch: Waiting[]) => {
    inFlight++;
    try {
      const results = await work(batch.map((waiting) => waiting.item));
      for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] as Result);
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    } finally {
      inFlight--;
      outstanding -= batch.length;
      if (queue.length > 0 && !scheduled) gather();
    }
  };
  /** How much there is, or was a moment ago: what has just been answered may be about to come again. */
  const load = (now: number): number => {
    if (outstanding >= peak || now - peakAt > LATELY_MS) {
      peak = outstanding;
      peakAt = now;
    }
    return peak;
  };
  /** How long the next batch is still to wait: its time depends on how much there is by now, not when it began to wait. */
  const waitMs = (share: number, much: number, now: number): number => {
    const isQuiet = outstanding <= FEW || (inFlight === 0 && much < long);
    if (overhead === 0 || isQuiet || queue.length >= share) return 0;
    if (!delay) waitingSince = now;
    return waitingSince + (inFlight === 0 || much < 2 * long ? DELAY_MS : LONG_DELAY_MS) - now;
  };
  const start = () => {
    scheduled = false;
    while (queue.length > 0 && inFlight < places) {
      const now = performance.now();
      const much = load(now);
      const share = Math.min(max, Math.max(long, Math.ceil(much / places)));
      const ms = waitMs(share, much, now);
      clearTimeout(delay);
      delay = ms > 0 ? setTimeout(start, ms) : undefined;
      if (delay) return;
      const batch = queue.slice(0, share);
      queue = queue.slice(share);
      void run(batch);
    }
  };
  const gather = () => {
    const ms = queue.length < GATHERED ? gatherMs() : 0;
    if (ms === 0) return start();
    scheduled = true;
    setTimeout(start, ms);
  };
  return (item) =>
    new Promise((resolve, reject) => {
      outstanding++;
      queue.push({ item, resolve, reject });
      // Requests that were read in the same turn of the event loop go together.
      if (!scheduled && inFlight < places) {
        scheduled = true;
        setImmediate(gather);
      }
    });
}

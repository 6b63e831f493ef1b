export interface BatchLimits {
  /** Most items of a batch. */
  max: number;
  /** Most batches under way at the same time. */
  inFlight: number;
  /** What a batch costs whatever its length, in items that would cost as much; 0 where it is left out. */
  overhead?: number;
}

/** A batch of so many times its overhead is long enough to be worth it. */
const LONG = 4;
/** What has waited so long for the batch under way starts beside it. */
const PATIENCE_MS = 250;

/**
 * Group commit: an item that arrives while all places are taken waits, and what has come by then is the next batch. So a
 * quiet system works on lists of one at once, and a busy one on long lists.
 *
 * A batch takes no more than its share of all that is waiting or under way, so that with two places there are two batches
 * of like size, one of which computes while the other waits for a server, instead of a long one and a stray.
 *
 * Where a batch has an overhead, the places are all used if there is little to do, so that nobody waits while processors
 * idle, or if there is enough for long batches; between the two one goes after the other, and each is the longer for it.
 *
 * @param work answers one result an item, in order; when it throws, every item of its batch gets the error
 */
export function batched<Item, Result>(
  work: (items: Item[]) => Promise<Result[]>,
  limits: BatchLimits,
): (item: Item) => Promise<Result> {
  interface Waiting {
    item: Item;
    resolve(result: Result): void;
    reject(error: unknown): void;
  }
  let queue: Waiting[] = [];
  let inFlight = 0;
  let outstanding = 0;
  let scheduled = false;
  let patience: NodeJS.Timeout | undefined;
  const { overhead = 0 } = limits;

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
      start();
    }
  };
  const placesWorthwhile = () =>
    outstanding <= overhead ? limits.inFlight : Math.min(limits.inFlight, Math.max(1, outstanding / (overhead * LONG)));
  const start = (places = Math.floor(placesWorthwhile())) => {
    scheduled = false;
    while (queue.length > 0 && inFlight < places) {
      const share = Math.min(limits.max, Math.ceil(outstanding / places));
      const batch = queue.slice(0, share);
      queue = queue.slice(share);
      void run(batch);
    }
    if (queue.length > 0 && inFlight < limits.inFlight) patience ??= setTimeout(losePatience, PATIENCE_MS).unref();
    else clearPatience();
  };
  const clearPatience = () => {
    clearTimeout(patience);
    patience = undefined;
  };
  const losePatience = () => {
    patience = undefined;
    start(limits.inFlight);
  };
  return (item) =>
    new Promise((resolve, reject) => {
      outstanding++;
      queue.push({ item, resolve, reject });
      // Requests that were read in the same turn of the event loop go together.
      if (!scheduled && inFlight < limits.inFlight) {
        scheduled = true;
        setImmediate(() => start());
      }
    });
}

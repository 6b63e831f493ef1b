/**
 * Lets so many begin in a turn of the event loop; those after them begin in the next turns, in order. So what comes in
 * meanwhile, answers of the databases first of all, does not wait until a whole crowd has begun.
 *
 * @returns asks for a place: undefined where there is one now, else a promise of it
 */
export function turns(most: number): () => Promise<void> | undefined {
  let begun = 0;
  let waiting: (() => void)[] = [];
  const next = () => {
    const now = waiting.slice(0, most);
    waiting = waiting.slice(most);
    begun = now.length;
    for (const begin of now) begin();
    if (begun > 0) setImmediate(next);
  };
  return () => {
    if (begun === most) return new Promise((resolve) => waiting.push(resolve));
    if (begun === 0) setImmediate(next);
    begun++;
    return undefined;
  };
}

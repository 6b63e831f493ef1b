/**
 * What a promise gives within a time, in milliseconds, or undefined when that takes longer: so it is to give something else
 * than undefined. It goes on all the same.
 */
export function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    // What is left of a time may be less than nothing; newer Node warns of that.
    const timer = setTimeout(resolve, Math.max(ms, 0), undefined);
    const inTime =
      <Value>(settle: (value: Value) => void) =>
      (value: Value) => {
        clearTimeout(timer);
        settle(value);
      };
    promise.then(inTime(resolve), inTime(reject));
  });
}

/** What a promise gives within a time, in milliseconds. It goes on all the same. @throws Error when that takes longer */
export async function inTime<T extends object>(ms: number, promise: Promise<T>): Promise<T> {
  const answer = await within(ms, promise);
  if (answer === undefined) throw new Error(`no answer in ${ms} ms`);
  return answer;
}

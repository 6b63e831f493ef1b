/** What a promise gives within a time, in milliseconds, or undefined when that takes longer. It goes on all the same. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a promise gives within a time, in milliseconds. It goes on all the same. @throws Error when that takes longer */
export async function inTime<T extends object>(ms: number, promise: Promise<T>): Promise<T> {
  const answer = await within(ms, promise);
  if (answer === undefined) throw new Error(`no answer in ${ms} ms`);
  return answer;
}

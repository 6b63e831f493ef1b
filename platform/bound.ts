// biome-ignore lint/suspicious/noExplicitAny: whatever else a function takes
type Takes<First extends unknown[]> = (...values: [...First, ...any[]]) => Promise<unknown>;

type WithoutFirst<F, First extends unknown[]> = F extends (...values: [...First, ...infer Rest]) => infer Result
  ? (...values: Rest) => Result
  : never;

/** Functions whose first arguments are given once and for all. */
export function bound<First extends unknown[], Functions extends Record<string, Takes<First>>>(
  functions: Functions,
  ...first: First
): { [Name in keyof Functions]: WithoutFirst<Functions[Name], First> } {
  const entries = Object.entries(functions).map(([name, call]) => [
    name,
    (...rest: unknown[]) => call(...first, ...rest),
  ]);
  return Object.fromEntries(entries);
}

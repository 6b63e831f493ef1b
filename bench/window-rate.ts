/**
 * The rate of a part of a measurement, from second `from` on and before second `to`; negative ones count from the end.
 *
 * @param eachSecond how many there were in each second @returns how many a second
 */
export function windowRate(eachSecond: number[], from: number, to?: number): number {
  const window = eachSecond.slice(from, to);
  return window.reduce((sum, count) => sum + count, 0) / window.length;
}

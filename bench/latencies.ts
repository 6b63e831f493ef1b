import { build } from 'hdr-histogram-js';

const MICROSECONDS = 1_000;

/** Latencies and their percentiles, exact to three digits. */
export class Latencies {
  private readonly histogram = build({
    highestTrackableValue: 600_000 * MICROSECONDS,
    numberOfSignificantValueDigits: 3,
  });

  record(ms: number): void {
    this.histogram.recordValue(Math.round(ms * MICROSECONDS));
  }

  get count(): number {
    return this.histogram.totalCount;
  }

  /** @param share percent of the latencies that are not longer @returns milliseconds */
  percentile(share: number): number {
    return this.histogram.getValueAtPercentile(share) / MICROSECONDS;
  }
}

/** For people and scripts: two decimals are as many as the measurement has. */
export const rounded = (value: number, decimals = 2): number => Number(value.toFixed(decimals));

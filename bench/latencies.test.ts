import { expect, test } from 'vitest';
import { Latencies, rounded } from './latencies.ts';

test('percentiles are exact to three digits', () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1_000; ms++) latencies.record(ms / 10);
  expect(latencies.count).toBe(1_000);
  for (const share of [50, 95, 99]) {
    expect(Math.abs(latencies.percentile(share) / share - 1)).toBeLessThan(0.001);
  }
});

test('a figure has as many decimals as it deserves', () => {
  expect(rounded(2_345.678, 0)).toBe(2_346);
  expect(rounded(0.126)).toBe(0.13);
});

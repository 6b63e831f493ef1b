import { expect, test } from 'vitest';
import { median } from './median.ts';

test('the median is the middle by size, whatever the order', () => {
  expect(median([30, 5, 10])).toBe(10);
  expect(median([9, 100, 11, 10])).toBe(11);
  expect(median([])).toBe(0);
});

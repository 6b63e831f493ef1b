import { expect, test } from 'vitest';
import { windowRate } from './window-rate.ts';

test('a rate is that of its own seconds alone, at either end', () => {
  const eachSecond = [100, 200, 300, 10, 20];
  expect(windowRate(eachSecond, 0, 2)).toBe(150);
  expect(windowRate(eachSecond, -2)).toBe(15);
  expect(windowRate(eachSecond, 0)).toBe(126);
});

test('a second in which nothing happened counts', () => {
  expect(windowRate([100, 0, 0, 0], 0, 4)).toBe(25);
});

import { expect, test } from 'vitest';
import { timeZoneOf } from './stats.ts';

test.each([
  ['Asia/Kolkata', 'Asia/Kolkata'],
  ['Europe/Kyiv', 'Europe/Kyiv'],
  ['Japan', 'Asia/Tokyo'],
  ['UTC', 'UTC'],
  ['Mars/Phobos', undefined],
  ['+03:30', undefined],
])('Postgres is asked for the time zone %s as %s', (given, asked) => {
  expect(timeZoneOf(given)).toBe(asked);
});

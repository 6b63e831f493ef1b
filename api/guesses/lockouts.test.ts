import { expect, test } from 'vitest';
import { createLockouts } from './lockouts.ts';

const limit = { allowance: 3, forgivenEveryMs: 10_000, firstMs: 1_000, longestMs: 8_000 };

test('guesses within the allowance lock nobody out; each one beyond it locks out twice as long as the last', () => {
  const lockouts = createLockouts();
  const waits: number[] = [];
  let now = 1_000;
  for (let guess = 0; guess < 8; guess++) {
    lockouts.count('phone:+1', limit, now);
    waits.push(lockouts.remainingMs('phone:+1', now));
    now += lockouts.remainingMs('phone:+1', now);
  }
  // From the sixth on the time of the wait forgives some of it.
  expect(waits).toEqual([0, 0, 0, 1_000, 2_000, 4_000, 8_000, 8_000]);
  expect(lockouts.remainingMs('phone:+2', now)).toBe(0);
});

test('wrong guesses are forgiven one by one, and with the last of them the growth of the delays', () => {
  const lockouts = createLockouts();
  const guess = (now: number) => {
    lockouts.count('address:a', limit, now);
    return lockouts.remainingMs('address:a', now);
  };
  expect([guess(0), guess(0), guess(0), guess(0), guess(1_000)]).toEqual([0, 0, 0, 1_000, 2_000]);
  expect(guess(31_000)).toBe(0); // three are forgiven: this is the third
  expect(guess(31_000)).toBe(4_000);
  expect([guess(90_000), guess(90_000), guess(90_000), guess(90_000)]).toEqual([0, 0, 0, 1_000]);
});

test('a burst of guesses, all sent before any was answered, locks out once', () => {
  const lockouts = createLockouts();
  for (let guess = 0; guess < 50; guess++) lockouts.count('phone:+1', limit, 5_000 + guess);
  expect(lockouts.remainingMs('phone:+1', 5_003)).toBe(1_000);
  // They are not forgotten: the next one is too many as well.
  lockouts.count('phone:+1', limit, 6_003);
  expect(lockouts.remainingMs('phone:+1', 6_003)).toBe(2_000);
});

test('a guess heard of late counts as of when it was made', () => {
  const lockouts = createLockouts();
  for (let guess = 0; guess < 4; guess++) lockouts.count('client:c', limit, 5_000);
  lockouts.count('client:c', limit, 4_000);
  expect(lockouts.remainingMs('client:c', 5_000)).toBe(1_000);
});

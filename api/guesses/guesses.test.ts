import { expect, test } from 'vitest';
import { createMetrics } from '../../platform/metrics.ts';
import { Problem } from '../../platform/problems.ts';
import { createGuesses } from './guesses.ts';

const HOUR_MS = 3_600_000;

test('a lock-out of an address is kept, however many phones are named with wrong codes from there', () => {
  const limit = { allowance: 1, forgivenEveryMs: HOUR_MS, firstMs: HOUR_MS, longestMs: HOUR_MS };
  const client = { ...limit, allowance: 1_000_000 };
  const guesses = createGuesses({ phone: limit, address: limit, client }, null, createMetrics());
  const guesser = { clientId: 'client', address: '192.0.2.1' };
  for (let guess = 0; guess < 2; guess++) guesses.count(guesser, 'code-not-found');
  expect(() => guesses.assertAllowed(guesser)).toThrow(Problem);
  for (let phone = 0; phone < 250_000; phone++) {
    guesses.count({ ...guesser, phone: `+1${phone}` }, 'code-malformed');
  }
  expect(() => guesses.assertAllowed(guesser)).toThrow(Problem);
});

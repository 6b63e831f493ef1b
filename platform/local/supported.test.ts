import { expect, test } from 'vitest';
import { assertSupported } from './supported.ts';

test('this machine is supported', () => assertSupported());

test.each([
  ['linux-x64', true],
  ['freebsd-x64', false],
  ['win32-arm64', false],
])('on %s (musl: %s) one message points to Compose and the addresses', (system, musl) => {
  expect(() => assertSupported(system, musl)).toThrow(/docker compose up.*TEMPORAL_ADDRESS/s);
});

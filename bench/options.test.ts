import { expect, test } from 'vitest';
import { type Bench, readArguments } from './options.ts';

const bench = (defaults: Record<string, number>): Bench => ({ defaults, run: async () => ({}) });
const benches = { redeem: bench({ clients: 256, seconds: 20 }), latency: bench({ count: 300 }) };

test('options that are not given are the defaults', () => {
  const { name, options } = readArguments(['redeem', '--clients', '512'], benches);
  expect(name).toBe('redeem');
  expect(options).toEqual({ clients: 512, seconds: 20 });
});

test('the largest number is what the message says', () => {
  expect(readArguments(['redeem', '--seconds', '10000000'], benches).options.seconds).toBe(10_000_000);
});

test.each([
  [[]],
  [['nothing']],
  [['toString']],
  [['redeem', '--count', '3']],
  [['redeem', 'more']],
  [['redeem', '--seconds']],
  [['redeem', '--seconds', '0']],
  [['redeem', '--seconds', '1.5']],
  [['redeem', '--seconds', '10000001']],
])('%j is answered with what can be given', (argv) => {
  expect(() => readArguments(argv, benches)).toThrow(/Usage:\n {2}npm run bench -- redeem \[--clients 256\]/);
});

import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { goServerVariables, localEnvironment } from './environment.ts';

test('a server written in Go uses half of the cores, unless it is told otherwise', () => {
  const { GOMAXPROCS, PATH } = goServerVariables(localEnvironment({ PATH: '/bin' }));
  expect(PATH).toBe('/bin');
  expect(Number(GOMAXPROCS)).toBe(Math.ceil(availableParallelism() / 2));
  expect(goServerVariables(localEnvironment({ GOMAXPROCS: '7' })).GOMAXPROCS).toBe('7');
});

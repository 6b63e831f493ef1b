import { expect, it } from 'vitest';
import { turns } from './turns.ts';

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));

it('lets those begin at once for whom there is a place, and the others in the next turns, in order', async () => {
  const turn = turns(2);
  const begun: number[] = [];
  const begin = async (number: number) => {
    const place = turn();
    if (place) await place;
    begun.push(number);
  };
  for (let number = 1; number <= 5; number++) void begin(number);

  expect(begun).toEqual([1, 2]);
  await immediate();
  expect(begun).toEqual([1, 2, 3, 4]);
  await immediate();
  expect(begun).toEqual([1, 2, 3, 4, 5]);
});

it('puts who comes later behind those who wait', async () => {
  const turn = turns(1);
  const begun: string[] = [];
  const begin = async (name: string) => {
    const place = turn();
    if (place) await place;
    begun.push(name);
  };
  void begin('first');
  void begin('second');
  await immediate();
  void begin('third');
  expect(begun).toEqual(['first', 'second']);
  await immediate();
  expect(begun).toEqual(['first', 'second', 'third']);
});

it('has all its places again once nobody waits', async () => {
  const turn = turns(2);
  turn();
  turn();
  const waited = turn();
  await waited;
  await immediate();
  await immediate();
  expect([turn(), turn()]).toEqual([undefined, undefined]);
  expect(turn()).toBeInstanceOf(Promise);
});

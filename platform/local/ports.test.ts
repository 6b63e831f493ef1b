import { expect, test } from 'vitest';
import { withPort } from './ports.ts';
import { PortTaken } from './set-up-error.ts';

test('a server that lost the race for its port starts on another', async () => {
  const tried: number[] = [];
  const port = await withPort(undefined, async (chosen) => {
    tried.push(chosen);
    if (tried.length < 3) throw new PortTaken('taken');
    return chosen;
  });
  expect(tried).toHaveLength(3);
  expect(port).toBe(tried[2]);
});

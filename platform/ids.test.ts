import { expect, test } from 'vitest';
import { idFromKey, reversalTransferId } from './ids.ts';

test('a key stands for the id that it stood for in every version: rows have been written under it', () => {
  const id = idFromKey('0190f3a1-0000-7000-8000-000000000001', 'redemptions', 'order-4711');
  expect(id).toBe('2ae61045-ee35-5e2c-a77f-aad50e9e2bbd');
  expect(reversalTransferId('0190f3a1-0000-7000-8000-000000000002')).toBe('0ed1b63a-d21d-575d-bbf2-a183b416cd59');
});

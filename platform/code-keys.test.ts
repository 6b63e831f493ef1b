import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { hashCode } from './code-keys.ts';

test('a code is found by its HMAC-SHA-256: codes hashed by any version, or elsewhere, are the same ones', () => {
  const peppers = [1, 2].map((id) => ({ id, key: randomBytes(32) }));
  for (const text of ['', 'A', '0123456789ABCDEF', 'Z'.repeat(32), 'Z', '0123456789ABCDEF']) {
    for (const pepper of peppers) {
      expect(hashCode(pepper, text)).toEqual(createHmac('sha256', pepper.key).update(text).digest());
    }
  }
});

test('a hash stays what it was while others are made', () => {
  const pepper = { id: 1, key: randomBytes(32) };
  const first = hashCode(pepper, 'FIRST');
  const copy = Buffer.from(first);
  for (let index = 0; index < 1_000; index++) hashCode(pepper, `N${index}`);
  expect(first).toEqual(copy);
});

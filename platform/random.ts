import { randomFillSync } from 'node:crypto';

/** Drawn from the system many at a time: a draw of its own for each use is a fiftieth of a redemption (measured). */
const pool = Buffer.allocUnsafe(4_096);
let used = pool.length;

/** Cryptographically random bytes, at most 4,096, to be used at once: the next draws may overwrite them. */
export function drawBytes(count: number): Buffer {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}

import { createHash } from 'node:crypto';

/** SHA-256 of a request after normalisation, so that the same request written otherwise is the same. */
export function requestHash(request: unknown): Buffer {
  const text = JSON.stringify(request, (_, value) => {
    if (typeof value === 'bigint') return value.toString();
    const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isPlain ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
  });
  return createHash('sha256').update(text).digest();
}

import type { Redis } from 'ioredis';
import { keep, readKept } from '../platform/redis.ts';

export interface Cached {
  /**
   * What `compute` answers, JSON, or what it answered before under the same name and version.
   * @param version is another whenever the answer might be
   */
  read<T>(name: string, version: string, compute: () => Promise<T>): Promise<T>;
}

const KEPT_SECONDS = 300;

/**
 * Answers that cost something, kept in Redis for all gateways. Since a key holds the version, there is nothing to
 * invalidate, and an old answer cannot be given for a new one; without Redis, or without an answer of it, they are computed.
 * Those who ask for the same at the same time wait for one computation.
 */
export function createCached(redis: Redis | null): Cached {
  const underWay = new Map<string, Promise<unknown>>();

  const lookUp = async <T>(key: string, compute: () => Promise<T>): Promise<T> => {
    const kept = await readKept<T>(redis, key);
    if (kept !== undefined) return kept;
    const computed = await compute();
    void keep(redis, key, computed, KEPT_SECONDS);
    return computed;
  };

  return {
    async read<T>(name: string, version: string, compute: () => Promise<T>): Promise<T> {
      const key = `vouchsafe:cached:${name}:${version}`;
      const joined = underWay.get(key) as Promise<T> | undefined;
      if (joined) return await joined;
      const answer = lookUp(key, compute).finally(() => underWay.delete(key));
      underWay.set(key, answer);
      return await answer;
    },
  };
}

import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Problem } from '../platform/problems.ts';

export interface RateLimit {
  /** Takes one request of a client's share. @throws Problem `rate-limited` when this second's is used up */
  take(clientId: string): Promise<void>;
}

/**
 * Limits what each API client may ask for in a second. Redis adds up what all gateways were asked; while it is away each
 * gateway grants the whole share by itself.
 * @param perSecond requests a second of a client; 0: no limit
 */
export function createRateLimit(perSecond: number, redis: Redis | null): RateLimit | null {
  if (perSecond === 0) return null;
  const share = { points: perSecond, duration: 1, keyPrefix: 'vouchsafe:requests' };
  const own = new RateLimiterMemory(share);
  const limiter = redis ? new RateLimiterRedis({ ...share, storeClient: redis, insuranceLimiter: own }) : own;
  return {
    async take(clientId) {
      try {
        await limiter.consume(clientId);
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        const seconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1_000));
        throw new Problem('rate-limited', { headers: { 'Retry-After': String(seconds) } });
      }
    },
  };
}

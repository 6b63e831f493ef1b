import type { Redis } from 'ioredis';
import { keep, readKept } from '../../platform/redis.ts';
import type { RedemptionItem } from '../../workflows/contracts.ts';

/** Redemptions that were answered 202 before they had a row: until then other gateways know them from here alone. */
export interface Accepted {
  /** To be called before the answer. */
  tell(item: RedemptionItem): Promise<void>;
  find(redemptionId: string): Promise<RedemptionItem | undefined>;
}

/** A row comes within moments; where that gets stuck, the redemption soon has a workflow under its own id. */
const KEPT_SECONDS = 300;

const keyOf = (redemptionId: string) => `vouchsafe:accepted:${redemptionId}`;

/** Kept in Redis for all gateways. Without it, or without an answer of it, each knows its own. */
export function createAccepted(redis: Redis | null): Accepted {
  return {
    tell: (item) => keep(redis, keyOf(item.redemptionId), item, KEPT_SECONDS),
    find: (redemptionId) => readKept(redis, keyOf(redemptionId)),
  };
}

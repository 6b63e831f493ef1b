import { callFunction } from '../../platform/database.ts';
import type { CreatedBetween } from '../../platform/newest-first.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface Redeemer {
  wallet_id: string;
  redemptions: bigint;
  /** Minor units, as text: a sum may be more than any one amount. */
  credited: string;
  last_redeemed_at: Date;
}

export interface RedeemerFilter extends CreatedBetween {
  /** The last redeemer of the page before: when that one redeemed last, and its wallet. */
  after?: { createdAt: Date; id: string } | undefined;
}

const TIMEOUT_MS = 30_000;
const HIGHEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const listFunction = {
  name: 'list_redeemers_1',
  types: ['uuid', 'timestamptz', 'timestamptz', 'timestamptz', 'uuid', 'integer'],
};

/**
 * Calls `list_redeemers`: the wallets that redeemed codes of a group, those that did so last first.
 * @throws DatabaseUnavailable
 */
export function listRedeemers(
  db: GiftCodeDatabase,
  groupId: string,
  { createdFrom, createdTo, after }: RedeemerFilter,
  limit: number,
): Promise<Redeemer[]> {
  const span = [createdFrom ?? '-infinity', createdTo ?? 'infinity'];
  const position = [after?.createdAt ?? 'infinity', after?.id ?? HIGHEST_ID];
  return callFunction<Redeemer>(db.reads, listFunction, [groupId, ...span, ...position, limit], TIMEOUT_MS);
}

import { query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface Redeemer {
  wallet_id: string;
  redemptions: bigint;
  /** Minor units, as text: a sum may be more than any one amount. */
  credited: string;
  last_redeemed_at: Date;
}

export interface RedeemerFilter {
  createdFrom?: Date | undefined;
  createdTo?: Date | undefined;
  /** Only those whose latest redemption came before this one's. */
  after?: { createdAt: Date; id: string } | undefined;
}

const TIMEOUT_MS = 30_000;

/** The wallets that redeemed codes of a group, those that did so last first. @throws DatabaseUnavailable */
export async function listRedeemers(
  db: GiftCodeDatabase,
  groupId: string,
  filter: RedeemerFilter,
  limit: number,
): Promise<Redeemer[]> {
  const { createdFrom, createdTo, after } = filter;
  const { rows } = await query<Redeemer>(
    db.reads,
    {
      text: `select wallet_id, count(*) as redemptions, sum(amount) as credited, max(settled_at) as last_redeemed_at
        from redemptions
        where group_id = $1 and state = 'completed'
          and created_at >= coalesce($2::timestamptz, '-infinity') and created_at < coalesce($3::timestamptz, 'infinity')
        group by wallet_id
        having $4::timestamptz is null or (max(settled_at), wallet_id) < ($4, $5::uuid)
        order by last_redeemed_at desc, wallet_id desc limit $6`,
      values: [groupId, createdFrom ?? null, createdTo ?? null, after?.createdAt ?? null, after?.id ?? null, limit],
    },
    TIMEOUT_MS,
  );
  return rows;
}

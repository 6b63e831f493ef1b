import { query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { RedemptionRow } from './redemption.ts';

/** A redemption that has the use of a code: it is under way or completed, or was reversed and left the use spent. */
export type Holder = Pick<RedemptionRow, 'id' | 'state' | 'code_id' | 'wallet_id' | 'created_at' | 'settled_at'>;

/** Who has the use of each of some codes that have one use alone; those that nobody has are left out. @throws DatabaseUnavailable */
export async function readHolders(db: GiftCodeDatabase, codeIds: string[], timeoutMs: number): Promise<Holder[]> {
  if (codeIds.length === 0) return [];
  const { rows } = await query<Holder>(
    db.reads,
    {
      text: `select r.id, r.state, r.code_id, r.wallet_id, r.created_at, r.settled_at
        from unnest($1::uuid[]) c(id)
        cross join lateral (
          select * from redemptions
          where code_id = c.id and (state in ('reserved', 'completed') or place_kept) offset 0) r`,
      values: [codeIds],
    },
    timeoutMs,
  );
  return rows;
}

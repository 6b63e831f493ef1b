import { query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface StaleRedemption {
  id: string;
  code_id: string;
  group_id: string;
  wallet_id: string;
  client_id: string;
  reference: string | null;
  workflow_id: string;
  created_at: Date;
}

const TIMEOUT_MS = 30_000;

/**
 * A page of the redemptions still reserved after `afterMs`, oldest first, from behind the last one of the page before.
 * Reads from the sweep mark on, so settled history costs nothing.
 */
export async function staleRedemptions(
  db: GiftCodeDatabase,
  afterMs: number,
  last: StaleRedemption | undefined,
  limit: number,
): Promise<StaleRedemption[]> {
  const { rows } = await query<StaleRedemption>(
    db.reads,
    {
      text: `select id, code_id, group_id, wallet_id, client_id, reference, workflow_id, created_at
        from redemptions
        where created_at >= (select swept_to from sweep_marks)
          and created_at < now() - make_interval(secs => $1::double precision / 1000) and state = 'reserved'
          and ($2::timestamptz is null or (created_at, id) > ($2, $3::uuid))
        order by created_at, id limit $4`,
      values: [afterMs, last?.created_at ?? null, last?.id ?? null, limit],
    },
    TIMEOUT_MS,
  );
  return rows;
}

/** Moves the sweep mark to the oldest redemption still reserved, or to `afterMs` ago where there is none. */
export async function advanceSweepMark(db: GiftCodeDatabase, afterMs: number): Promise<void> {
  await query(
    db.reads,
    {
      text: `update sweep_marks set swept_to = greatest(swept_to, coalesce(
          (select min(created_at) from redemptions
            where created_at >= swept_to and state = 'reserved'
              and created_at < now() - make_interval(secs => $1::double precision / 1000)),
          now() - make_interval(secs => $1::double precision / 1000)))`,
      values: [afterMs],
    },
    TIMEOUT_MS,
  );
}

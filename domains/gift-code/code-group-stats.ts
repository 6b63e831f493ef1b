import { query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface CodeGroupStats {
  total: bigint;
  unused: bigint;
  reserved: bigint;
  partly_used: bigint;
  used: bigint;
  disabled: bigint;
  places_total: bigint;
  places_redeemed: bigint;
  places_reserved: bigint;
  completed: bigint;
  reversed: bigint;
  /** Minor units, as text: a sum may be more than any one amount. */
  credited: string;
  redeemers: bigint;
  first_redeemed_at: Date | null;
  last_redeemed_at: Date | null;
}

export interface DayStats {
  /** As `YYYY-MM-DD` in the time zone asked for. */
  date: string;
  completed: bigint;
  /** Minor units, as text: a sum may be more than any one amount. */
  credited: string;
}

export interface DayRange {
  from: Date | undefined;
  to: Date | undefined;
  /** IANA name. */
  timeZone: string;
}

const TIMEOUT_MS = 30_000;

/** What has become of a group's codes, counted from the rows. @throws DatabaseUnavailable */
export async function codeGroupStats(db: GiftCodeDatabase, groupId: string): Promise<CodeGroupStats> {
  const { rows } = await query<CodeGroupStats & { [column: string]: unknown }>(
    db.reads,
    {
      text: `select c.*, r.* from (
        select count(*) as total,
          count(*) filter (where state = 'disabled') as disabled,
          count(*) filter (where state = 'used') as used,
          count(*) filter (where state = 'reserved') as reserved,
          count(*) filter (where state = 'partly_used') as partly_used,
          count(*) filter (where state = 'unused') as unused,
          coalesce(sum(max_redemptions), 0)::bigint as places_total,
          coalesce(sum(redeemed), 0)::bigint as places_redeemed,
          coalesce(sum(codes.reserved), 0)::bigint as places_reserved
        from (select *, code_state_1(disabled, redeemed, reserved, max_redemptions) as state from codes where group_id = $1) codes
      ) c cross join (
        select count(*) filter (where state = 'completed') as completed,
          count(*) filter (where state = 'reversed') as reversed,
          coalesce(sum(amount) filter (where state = 'completed'), 0) as credited,
          count(distinct wallet_id) filter (where state = 'completed') as redeemers,
          min(settled_at) filter (where state = 'completed') as first_redeemed_at,
          max(settled_at) filter (where state = 'completed') as last_redeemed_at
        from redemptions where group_id = $1
      ) r`,
      values: [groupId],
    },
    TIMEOUT_MS,
  );
  const [stats] = rows;
  if (!stats) throw new Error('an aggregate answered no row');
  return stats;
}

/** Completed redemptions by day, oldest first; days without any are left out. @throws DatabaseUnavailable */
export async function codeGroupStatsPerDay(
  db: GiftCodeDatabase,
  groupId: string,
  range: DayRange,
): Promise<DayStats[]> {
  const { rows } = await query<DayStats & { [column: string]: unknown }>(
    db.reads,
    {
      text: `select to_char(settled_at at time zone $2, 'YYYY-MM-DD') as date, count(*) as completed,
          sum(amount) as credited
        from redemptions
        where group_id = $1 and state = 'completed'
          and settled_at >= coalesce($3::timestamptz, '-infinity') and settled_at < coalesce($4::timestamptz, 'infinity')
        group by 1 order by 1`,
      values: [groupId, range.timeZone, range.from ?? null, range.to ?? null],
    },
    TIMEOUT_MS,
  );
  return rows;
}

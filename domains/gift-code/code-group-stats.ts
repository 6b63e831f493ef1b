import { callFunction } from '../../platform/database.ts';
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
  /** Completed redemptions by day, oldest first; days without any are left out. */
  per_day: DayStats[];
}

export interface DayStats {
  /** As `YYYY-MM-DD` in the time zone asked for. */
  date: string;
  completed: number;
  /** Minor units, as text: a sum may be more than any one amount. */
  credited: string;
}

/** Of the times at which redemptions were completed. */
export interface DayRange {
  from: Date | undefined;
  to: Date | undefined;
  /** IANA name. */
  timeZone: string;
}

const TIMEOUT_MS = 30_000;
const statsFunction = { name: 'code_group_stats_1', types: ['uuid', 'timestamptz', 'timestamptz', 'text'] };

/**
 * Calls `code_group_stats`: what has become of a group's codes, exact at the moment of the call. The range is of the days
 * alone. @returns nothing where there is no such group @throws DatabaseUnavailable
 */
export async function codeGroupStats(
  db: GiftCodeDatabase,
  groupId: string,
  { from, to, timeZone }: DayRange,
): Promise<CodeGroupStats | undefined> {
  const values = [groupId, from ?? '-infinity', to ?? 'infinity', timeZone];
  const [stats] = await callFunction<CodeGroupStats>(db.reads, statsFunction, values, TIMEOUT_MS);
  return stats;
}

import { callFunction, query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

/** Long enough that planning it counts for little, short enough that a reversal waits for hundredths of a second. */
export const ROLL_PIECE = 1_000;

const TIMEOUT_MS = 30_000;
const rollFunction = { name: 'roll_redemptions_1', types: ['uuid', 'integer', 'interval'] };

/**
 * Moves the rollups forward, so that statistics need not count what is settled: calls `roll_redemptions` for each group
 * that has redemptions behind its rollup, piece by piece.
 *
 * @param limits `piece`: how many are counted in one transaction, for which a reversal may have to wait. `trailMs`: how far
 *   rollups stay behind the present, longer than a call of reserve or release may take from the begin of its transaction to
 *   the check of its deadline
 * @param goesOn asked after each piece, which took so many milliseconds; false stops
 * @returns how many redemptions were counted @throws DatabaseUnavailable
 */
export async function rollRedemptions(
  db: GiftCodeDatabase,
  { piece, trailMs }: { piece: number; trailMs: number },
  goesOn: (tookMs: number) => boolean | Promise<boolean> = () => true,
): Promise<number> {
  let total = 0;
  for (const groupId of await groupsBehind(db, trailMs)) {
    let rolled: number;
    do {
      const startedAt = performance.now();
      const values = [groupId, piece, `${trailMs} ms`];
      const [row] = await callFunction<{ roll_redemptions_1: number }>(db.reads, rollFunction, values, TIMEOUT_MS);
      rolled = row?.roll_redemptions_1 ?? 0;
      total += rolled;
      if (!(await goesOn(performance.now() - startedAt))) return total;
    } while (rolled >= piece);
  }
  return total;
}

/** Groups with redemptions older than `trailMs` that are not in their rollup; first those that are longest behind. */
async function groupsBehind(db: GiftCodeDatabase, trailMs: number): Promise<string[]> {
  const { rows } = await query<{ id: string }>(
    db.reads,
    {
      text: `select g.id from code_groups g left join rollups u on u.group_id = g.id
        where exists (
          select from redemptions r where r.group_id = g.id and r.created_at >= coalesce(u.rolled_to, '-infinity')
            and r.created_at < now() - make_interval(secs => $1::double precision / 1000))
        order by u.rolled_to nulls first, g.id`,
      values: [trailMs],
    },
    TIMEOUT_MS,
  );
  return rows.map(({ id }) => id);
}

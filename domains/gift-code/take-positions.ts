import { query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

const MAX_POSITION = 2_147_483_647;
const TIMEOUT_MS = 10_000;

/**
 * Gives out the next positions of a group, for good: those that are not used stay empty. It is done on its own, so that
 * the group is not locked while codes are written.
 * @returns the first of them, or why there is none @throws DatabaseUnavailable
 */
export async function takePositions(
  db: GiftCodeDatabase,
  groupId: string,
  count: number,
): Promise<number | 'not-found' | 'group-full'> {
  const { rows } = await query<{ first: number | null }>(
    db.reads,
    {
      // A group made by an earlier version does not know its positions.
      text: `with found as (
          select id, greatest(positions, code_count) as positions from code_groups where id = $1 for no key update
        ), taken as (
          update code_groups g set positions = f.positions + $2 from found f
          where g.id = f.id and f.positions <= ${MAX_POSITION} - $2
          returning f.positions + 1 as first
        )
        select (select first from taken) as first from found`,
      values: [groupId, count],
    },
    TIMEOUT_MS,
  );
  const [found] = rows;
  if (!found) return 'not-found';
  return found.first ?? 'group-full';
}

import { type Database, query } from './database.ts';
import { firstSequence } from './outbox-sequence.ts';

type Pool = Pick<Database<never>, 'reads'>;

const BATCHES_AT_ONCE = 1_000;
/** Sequences follow times but for transactions that ran beside each other: none ran as long as this. */
const MARGIN_MS = 600_000;
const TIMEOUT_MS = 30_000;

/**
 * Has the relay publish events again that were published before: those written from `from` on and before `to`. Ascending
 * and in small transactions, so that each aggregate's events come back in order and nobody waits long. Repeated or broken
 * off half-way it does no harm: consumers know an event by its id. @returns how many @throws DatabaseUnavailable
 */
export async function replayOutbox(db: Pool, from: Date, to: Date): Promise<number> {
  const end = await firstSequence(db, new Date(to.getTime() + MARGIN_MS));
  let at = await firstSequence(db, new Date(from.getTime() - MARGIN_MS));
  let replayed = 0;
  while (at < end) {
    const { rows } = await query<{ events: number; next: bigint | null }>(
      db.reads,
      {
        name: 'replay outbox',
        text: `with next_ones as (
            select sequence from outbox_batches where sequence >= $1 and sequence < $2 order by sequence limit ${BATCHES_AT_ONCE}
          ), replayed as (
            update outbox_batches set published_at = null where sequence in (select sequence from next_ones)
              and occurred_at >= $3 and occurred_at < $4 and published_at is not null
            returning event_count
          )
          select (select coalesce(sum(event_count), 0)::integer from replayed) as events,
            (select max(sequence) + 1 from next_ones) as next`,
        values: [at, end, from, to],
      },
      TIMEOUT_MS,
    );
    replayed += rows[0]?.events ?? 0;
    at = rows[0]?.next ?? end;
  }
  return replayed;
}

import { type Database, query } from './database.ts';
import { firstSequence } from './outbox-sequence.ts';

type Pool = Pick<Database<never>, 'reads'>;

const ROWS_AT_ONCE = 5_000n;
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
  let replayed = 0;
  for (let at = await firstSequence(db, new Date(from.getTime() - MARGIN_MS)); at < end; at += ROWS_AT_ONCE) {
    const { rowCount } = await query(
      db.reads,
      {
        name: 'replay outbox',
        text: `update outbox set published_at = null where sequence >= $1 and sequence < $2
          and occurred_at >= $3 and occurred_at < $4 and published_at is not null`,
        values: [at, at + ROWS_AT_ONCE < end ? at + ROWS_AT_ONCE : end, from, to],
      },
      TIMEOUT_MS,
    );
    replayed += rowCount ?? 0;
  }
  return replayed;
}

import { type Database, query } from './database.ts';
import { firstSequence } from './outbox-sequence.ts';

/** An event as the outbox keeps it. */
export interface KeptEvent {
  id: string;
  type: string;
  occurredAt: Date;
  publishedAt: Date | null;
}

/** A sequence may be drawn so long before or after the time of its event. */
const DRAWN_WITHIN_MS = 60_000;
/** An event is of the very time it is thought to be of, or else was written so long before or after it. */
const MARGINS_MS = [0, 60_000];
const TIMEOUT_MS = 10_000;

/**
 * Events of an aggregate, by their versions, about certain times. No index holds the aggregate, since it would be written
 * with every event and read by operators alone: what was written around each time is looked through.
 */
export async function findEvents(
  db: Pick<Database<never>, 'reads'>,
  aggregateId: string,
  versions: bigint[],
  times: Date[],
): Promise<KeptEvent[]> {
  const found = new Map<string, KeptEvent>();
  for (const marginMs of MARGINS_MS) {
    for (const time of times) {
      if (found.size === versions.length) break;
      const around = (ms: number) => new Date(time.getTime() + ms);
      const from = await firstSequence(db, around(-marginMs - DRAWN_WITHIN_MS));
      const to = await firstSequence(db, around(marginMs + DRAWN_WITHIN_MS));
      const { rows } = await query<{ id: string; type: string; occurred_at: Date; published_at: Date | null }>(
        db.reads,
        {
          name: 'find events',
          text: `select b.aggregate || '.' || e.id || '.' || e.version as id, e.type, b.occurred_at, b.published_at
            from outbox_batches b cross join lateral json_to_recordset(b.events) e(id uuid, version bigint, type text)
            where b.sequence >= $1 and b.sequence < $2 and b.occurred_at between $3 and $4
              and e.id = $5 and e.version = any($6)`,
          values: [from, to, around(-marginMs), around(marginMs), aggregateId, versions],
        },
        TIMEOUT_MS,
      );
      for (const { id, type, occurred_at, published_at } of rows) {
        found.set(id, { id, type, occurredAt: occurred_at, publishedAt: published_at });
      }
    }
  }
  return [...found.values()];
}

import { type Database, query } from './database.ts';
import { firstSequence } from './outbox-sequence.ts';

/** An event as the outbox keeps it. */
export interface KeptEvent {
  id: string;
  type: string;
  occurredAt: Date;
  publishedAt: Date | null;
}

/** An event is looked for so long before and after the time it is thought to be of: its sequence may be drawn later. */
const MARGIN_MS = 60_000;
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
  for (const time of times) {
    const from = await firstSequence(db, new Date(time.getTime() - MARGIN_MS));
    const to = await firstSequence(db, new Date(time.getTime() + MARGIN_MS));
    const { rows } = await query<{ id: string; type: string; occurred_at: Date; published_at: Date | null }>(
      db.reads,
      {
        name: 'find events',
        text: `select aggregate || '.' || aggregate_id || '.' || aggregate_version as id, type, occurred_at, published_at
          from outbox where sequence >= $1 and sequence < $2 and aggregate_id = $3 and aggregate_version = any($4)`,
        values: [from, to, aggregateId, versions],
      },
      TIMEOUT_MS,
    );
    for (const { id, type, occurred_at, published_at } of rows) {
      found.set(id, { id, type, occurredAt: occurred_at, publishedAt: published_at });
    }
    if (found.size === versions.length) break;
  }
  return [...found.values()];
}

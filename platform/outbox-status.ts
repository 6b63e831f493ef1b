import { type Database, query } from './database.ts';

export interface OutboxStatus {
  unpublished: number;
  /** When the oldest event that waits was written. */
  oldestUnpublishedAt: Date | null;
  /** How long it has waited; 0 where nothing waits. */
  lagSeconds: number;
  /** Of the newest event that is published. */
  lastPublishedAt: Date | null;
  /** The oldest event that is still there, published or not: a replay reaches back no further. */
  keptSince: Date | null;
}

const TIMEOUT_MS = 30_000;

/** How far the relay of a part is behind. Reads from the ends of indexes only. @throws DatabaseUnavailable */
export async function outboxStatus({ reads }: Pick<Database<never>, 'reads'>): Promise<OutboxStatus> {
  const { rows } = await query<{
    unpublished: number;
    oldest: Date | null;
    lag: number;
    last: Date | null;
    kept: Date | null;
  }>(
    reads,
    {
      name: 'outbox status',
      text: `with waiting as (select occurred_at from outbox_batches where published_at is null order by sequence limit 1)
        select (select coalesce(sum(event_count), 0)::double precision from outbox_batches where published_at is null) as unpublished,
          (select occurred_at from waiting) as oldest,
          coalesce((select greatest(0, extract(epoch from now() - occurred_at))::double precision from waiting), 0) as lag,
          (select published_at from outbox_batches where published_at is not null order by sequence desc limit 1) as last,
          (select occurred_at from outbox_batches order by sequence limit 1) as kept`,
    },
    TIMEOUT_MS,
  );
  const [row] = rows;
  if (!row) throw new Error('a select without a table gave no row');
  return {
    unpublished: row.unpublished,
    oldestUnpublishedAt: row.oldest,
    lagSeconds: row.lag,
    lastPublishedAt: row.last,
    keptSince: row.kept,
  };
}

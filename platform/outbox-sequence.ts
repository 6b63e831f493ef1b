import { type Database, query } from './database.ts';

const TIMEOUT_MS = 30_000;

/** The lowest sequence of a batch of that time or later, about; one more than the highest where there is none. Bisects: no index holds the time. */
export async function firstSequence(db: Pick<Database<never>, 'reads'>, time: Date): Promise<bigint> {
  const { rows } = await query<{ low: bigint; high: bigint }>(
    db.reads,
    { text: 'select coalesce(min(sequence), 0) as low, coalesce(max(sequence), -1) + 1 as high from outbox_batches' },
    TIMEOUT_MS,
  );
  let { low, high } = rows[0] ?? { low: 0n, high: 0n };
  while (low < high) {
    const middle = (low + high) / 2n;
    const { rows: found } = await query<{ sequence: bigint; is_before: boolean }>(
      db.reads,
      {
        name: 'outbox at',
        text: `select sequence, occurred_at < $2 as is_before from outbox_batches where sequence >= $1 order by sequence limit 1`,
        values: [middle, time],
      },
      TIMEOUT_MS,
    );
    const [row] = found;
    if (row?.is_before) low = row.sequence + 1n;
    else high = middle;
  }
  return low;
}

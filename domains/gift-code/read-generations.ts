import { query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { GenerationState } from './schema.ts';

/** Where a generation stands. */
export interface Generation {
  state: GenerationState;
  /** Codes that are there. */
  made: number;
  /** Codes that were asked for. */
  total: number;
}

const TIMEOUT_MS = 10_000;

/** Generations that have been running for longer than `afterMs`, oldest first. @throws DatabaseUnavailable */
export async function runningGenerations(
  db: GiftCodeDatabase,
  afterMs: number,
  limit: number,
): Promise<{ generationId: string; total: number }[]> {
  const { rows } = await query<{ generationId: string; total: number }>(
    db.reads,
    {
      text: `select id as "generationId", total from code_additions
        where state = 'running' and created_at < now() - make_interval(secs => $1::double precision / 1000)
        order by created_at, id limit $2`,
      values: [afterMs, limit],
    },
    TIMEOUT_MS,
  );
  return rows;
}

import { callFunction, type SqlFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { Generation } from './read-generations.ts';

const endGenerationFunction: SqlFunction = { name: 'end_generation_1', types: ['uuid', 'text'] };

/**
 * Calls `end_generation`: nothing more is made; what has been made stays. A generation that is over stays as it ended.
 * @returns how it ended, now or earlier; undefined where there is none @throws DatabaseUnavailable, ContentionError
 */
export async function endGeneration(
  db: GiftCodeDatabase,
  generationId: string,
  state: 'cancelled' | 'failed',
  timeoutMs: number,
): Promise<Generation | undefined> {
  const [generation] = await callFunction<Generation>(
    db.reads,
    endGenerationFunction,
    [generationId, state],
    timeoutMs,
  );
  return generation;
}

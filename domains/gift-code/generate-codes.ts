import type { CodeKeys } from '../../platform/code-keys.ts';
import { callFunction, query, type SqlFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { Generation } from './read-generations.ts';
import { newGeneratedCodes, type SealedCodes, sealCodes } from './seal-codes.ts';

const generateCodesFunction: SqlFunction = {
  name: 'generate_codes_1',
  types: [
    'uuid',
    'integer',
    'uuid[]',
    'text[]',
    'bytea',
    'integer[]',
    'smallint',
    'bytea',
    'smallint[]',
    'timestamptz',
  ],
};

/**
 * Makes the codes of a generation chunk by chunk, each in a transaction of its own; the next one is made while the
 * database writes. Stops when the generation is over, or after `chunks`. Two that make the same generation do each
 * other's work: a chunk that somebody else was faster with is not written.
 *
 * @param onChunk told where the generation stands after each chunk; false stops
 * @returns where it stands then; undefined where there is no such generation
 * @throws DatabaseUnavailable, ContentionError, DataError
 */
export async function generateCodes(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  generationId: string,
  limits: { chunk: number; chunks: number; timeoutMs: number },
  onChunk: (generation: Generation) => boolean,
): Promise<Generation | undefined> {
  const found = await readGeneration(db, generationId, limits.timeoutMs);
  if (!found) return undefined;
  const { prefix } = found;
  let generation: Generation = found;
  const prepare = (made: number) => {
    const count = Math.max(Math.min(limits.chunk, generation.total - made), 0);
    return sealCodes(keys, count, newGeneratedCodes(count, prefix));
  };

  let codes = generation.state === 'running' ? await prepare(generation.made) : undefined;
  for (let chunk = 1; codes && codes.count > 0; chunk++) {
    const expected = generation.made;
    const [written, next] = await Promise.all([
      write(db, generationId, expected, codes, limits.timeoutMs),
      chunk < limits.chunks ? prepare(expected + codes.count) : undefined,
    ]);
    generation = written;
    const goesOn = onChunk(generation) && generation.state === 'running' && chunk < limits.chunks;
    const isOurs = generation.made === expected + codes.count;
    codes = goesOn ? (isOurs ? next : await prepare(generation.made)) : undefined;
  }
  return generation;
}

/** Makes the codes of a generation that is small enough to be waited for. @returns undefined, where there is none of this id */
export const generateAtOnce = (
  db: GiftCodeDatabase,
  keys: CodeKeys,
  generationId: string,
  count: number,
  timeoutMs: number,
): Promise<Generation | undefined> =>
  generateCodes(db, keys, generationId, { chunk: count, chunks: 1, timeoutMs }, () => true);

async function write(
  db: GiftCodeDatabase,
  generationId: string,
  expected: number,
  codes: SealedCodes,
  timeoutMs: number,
): Promise<Generation> {
  const { ids, lastCharacters, seals, sealEnds, sealKey, hashes, peppers } = codes;
  const deadline = new Date(db.nowMs() + timeoutMs);
  const values = [generationId, expected, ids, lastCharacters, seals, sealEnds, sealKey, hashes, peppers, deadline];
  const [generation] = await callFunction<Generation>(db.bulk, generateCodesFunction, values, timeoutMs);
  if (!generation) throw new Error('a generation vanished');
  return generation;
}

async function readGeneration(
  db: GiftCodeDatabase,
  id: string,
  timeoutMs: number,
): Promise<(Generation & { prefix: string | null }) | undefined> {
  const { rows } = await query<Generation & { prefix: string | null }>(
    db.bulk,
    {
      text: `select a.state, a.made, a.total, g.prefix from code_additions a join code_groups g on g.id = a.group_id
        where a.id = $1 and a.kind = 'generated'`,
      values: [id],
    },
    timeoutMs,
  );
  return rows[0];
}

import { sql } from 'drizzle-orm';
import type { GiftCodeDatabase } from './database.ts';
import { givenCodeLengths } from './schema.ts';
import type { SealedCodes } from './seal-codes.ts';

export type Transaction = Pick<GiftCodeDatabase['orm'], 'execute' | 'insert' | 'update' | 'select'>;

/** A code that somebody else thought of, as normalised text. */
export interface GivenCode {
  text: string;
  maxRedemptions: number;
}

/** Calls `add_codes`. @returns the ids of those written, not of those whose text exists already */
export async function addCodes(
  transaction: Transaction,
  groupId: string,
  codes: SealedCodes,
  positions: number[],
  places: number[],
): Promise<Set<string>> {
  const { ids, lastCharacters, seals, sealEnds, sealKey, hashes, peppers } = codes;
  const { rows } = await transaction.execute<{ id: string }>(
    sql`select id from add_codes_1(${groupId}::uuid, ${ids}::uuid[], ${sql.param(positions)}::integer[],
      ${sql.param(places)}::integer[], ${lastCharacters}::text[], ${sql.param(seals)}::bytea,
      ${sealEnds}::integer[], ${sealKey}::smallint, ${sql.param(hashes)}::bytea, ${sql.param(peppers)}::smallint[]) id`,
  );
  return new Set(rows.map(({ id }) => id));
}

/** From now on, texts of these lengths are looked up although their check character is wrong. */
export async function keepGivenLengths(transaction: Transaction, canonicals: string[]): Promise<void> {
  const lengths = [...new Set(canonicals.map((canonical) => canonical.length))].sort((a, b) => a - b);
  if (lengths.length === 0) return;
  await transaction
    .insert(givenCodeLengths)
    .values(lengths.map((length) => ({ length })))
    .onConflictDoNothing();
}

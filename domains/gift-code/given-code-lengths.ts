import type { GiftCodeDatabase } from './database.ts';
import { givenCodeLengths } from './schema.ts';

/** The lengths of given codes. */
export async function readGivenCodeLengths(db: GiftCodeDatabase): Promise<number[]> {
  const rows = await db.orm.select().from(givenCodeLengths);
  return rows.map((row) => row.length);
}

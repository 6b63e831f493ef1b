import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isUuid } from '../platform/ids.ts';
import { Problem } from '../platform/problems.ts';

/** Where a page ended, in a list ordered by time and id. */
export const byTime = z
  .tuple([z.int().min(0).max(253_402_300_799_999), z.string().refine(isUuid)])
  .transform(([ms, id]) => ({ createdAt: new Date(ms), id }));
/** Where a page ended, in a list ordered by a number of its own. */
export const byNumber = z.tuple([z.int().min(0)]).transform(([number]) => number);

export const timePosition = (row: { createdAt: Date; id: string }) => [row.createdAt.getTime(), row.id];

/**
 * A page of a list, from one row more than it shows, and the cursor of the next one. Lists are newest first, and rows
 * added meanwhile come before the cursor's position: none is missed or repeated.
 */
export function page<Row>(
  rows: Row[],
  limit: number,
  filters: unknown,
  position: (row: Row) => (string | number)[],
  toJson: (row: Row) => unknown,
) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next = rows.length > limit && last ? [digest(filters), ...position(last)] : null;
  return {
    items: items.map(toJson),
    next_cursor: next && Buffer.from(JSON.stringify(next)).toString('base64url'),
  };
}

/** @throws Problem `invalid-request` for a cursor that is not ours, or of a list with other filters */
export function readCursor<T>(cursor: string | undefined, filters: unknown, schema: z.ZodType<T>): T | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [filterDigest, ...position] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (filterDigest === digest(filters)) return schema.parse(position);
  } catch {
    // Told below.
  }
  throw new Problem('invalid-request', {
    members: { errors: [{ pointer: '?cursor', detail: 'must be the next_cursor of a list with the same filters' }] },
  });
}

const digest = (filters: unknown) =>
  createHash('sha256').update(JSON.stringify(filters)).digest('base64url').slice(0, 12);

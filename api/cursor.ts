import { createHash } from 'node:crypto';
import { isUuid } from '../platform/ids.ts';
import { Problem } from '../platform/problems.ts';

/** Where a page of a list ended: lists are ordered by time and id, newest first. */
export interface Position {
  createdAt: Date;
  id: string;
}

/** A page and the cursor of the next one. Rows added meanwhile come before the position, so none is missed or repeated. */
export function page<Row>(rows: Row[], limit: number, filters: unknown, position: (row: Row) => Position, toJson: (row: Row) => unknown) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const nextCursor = rows.length > limit && last ? encodeCursor(position(last), filters) : null;
  return { items: items.map(toJson), next_cursor: nextCursor };
}

function encodeCursor({ createdAt, id }: Position, filters: unknown): string {
  return Buffer.from(`${createdAt.getTime()}.${id}.${digest(filters)}`).toString('base64url');
}

/** @throws Problem `invalid-request` for a cursor that is not ours, or of a list with other filters */
export function readCursor(cursor: string | undefined, filters: unknown): Position | undefined {
  if (cursor === undefined) return undefined;
  const [time = '', id = '', filterDigest] = Buffer.from(cursor, 'base64url').toString('utf8').split('.');
  const milliseconds = /^\d{1,15}$/.test(time) ? Number(time) : Number.NaN;
  if (!Number.isFinite(milliseconds) || milliseconds > 8.64e15 || !isUuid(id) || filterDigest !== digest(filters)) {
    throw new Problem('invalid-request', {
      detail: 'The cursor does not belong to this list.',
      members: { errors: [{ pointer: '?cursor', detail: 'must be the next_cursor of a list with the same filters' }] },
    });
  }
  return { createdAt: new Date(milliseconds), id };
}

const digest = (filters: unknown) => createHash('sha256').update(JSON.stringify(filters)).digest('base64url').slice(0, 12);

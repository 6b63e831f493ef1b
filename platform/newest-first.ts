import { and, desc, gte, lt, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';

/** Rows made at a time or later, and before another. */
export interface CreatedBetween {
  createdFrom?: Date | undefined;
  createdTo?: Date | undefined;
}

/** A page of a list that begins with the newest. */
export interface Page extends CreatedBetween {
  /** The last row of the page before. */
  after?: { createdAt: Date; id: string } | undefined;
}

interface Listed {
  createdAt: PgColumn;
  id: PgColumn;
}

export const createdBetween = (createdAt: PgColumn, { createdFrom, createdTo }: CreatedBetween): SQL | undefined =>
  and(createdFrom && gte(createdAt, createdFrom), createdTo && lt(createdAt, createdTo));

/** What a row must be to stand on the page, or on one after it. */
export const onPage = ({ createdAt, id }: Listed, page: Page): SQL | undefined =>
  and(
    createdBetween(createdAt, page),
    page.after &&
      sql`(${createdAt}, ${id}) < (${page.after.createdAt.toISOString()}::timestamptz, ${page.after.id}::uuid)`,
  );

export const newestFirst = ({ createdAt, id }: Listed): SQL[] => [desc(createdAt), desc(id)];

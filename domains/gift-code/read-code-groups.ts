import { and, desc, eq, gte, ilike, lt, type SQL, sql } from 'drizzle-orm';
import type { GiftCodeDatabase } from './database.ts';
import { codeGroups } from './schema.ts';

export type CodeGroup = typeof codeGroups.$inferSelect;

/** What a list of code groups is narrowed to; `after` is where the page before ended. */
export interface CodeGroupFilter {
  name?: string | undefined;
  createdFrom?: Date | undefined;
  createdTo?: Date | undefined;
  after?: { createdAt: Date; id: string } | undefined;
}

export async function readCodeGroup(db: GiftCodeDatabase, id: string): Promise<CodeGroup | undefined> {
  const [group] = await db.orm.select().from(codeGroups).where(eq(codeGroups.id, id));
  return group;
}

/** Newest first. */
export function listCodeGroups(db: GiftCodeDatabase, filter: CodeGroupFilter, limit: number): Promise<CodeGroup[]> {
  const { name, createdFrom, createdTo, after } = filter;
  const conditions: (SQL | undefined)[] = [
    name === undefined ? undefined : ilike(codeGroups.name, `%${name.replace(/[\\%_]/g, '\\$&')}%`),
    createdFrom && gte(codeGroups.createdAt, createdFrom),
    createdTo && lt(codeGroups.createdAt, createdTo),
    after &&
      sql`(${codeGroups.createdAt}, ${codeGroups.id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`,
  ];
  return db.orm
    .select()
    .from(codeGroups)
    .where(and(...conditions))
    .orderBy(desc(codeGroups.createdAt), desc(codeGroups.id))
    .limit(limit);
}

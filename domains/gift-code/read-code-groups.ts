import { and, eq, ilike } from 'drizzle-orm';
import { newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
import type { GiftCodeDatabase } from './database.ts';
import { codeGroups } from './schema.ts';

export type CodeGroup = typeof codeGroups.$inferSelect;

/** What a list of code groups is narrowed to. */
export interface CodeGroupFilter extends Page {
  name?: string | undefined;
}

export async function readCodeGroup(db: GiftCodeDatabase, id: string): Promise<CodeGroup | undefined> {
  const [group] = await db.orm.select().from(codeGroups).where(eq(codeGroups.id, id));
  return group;
}

/** Newest first. */
export function listCodeGroups(db: GiftCodeDatabase, filter: CodeGroupFilter, limit: number): Promise<CodeGroup[]> {
  const { name } = filter;
  const isNamed = name === undefined ? undefined : ilike(codeGroups.name, `%${name.replace(/[\\%_]/g, '\\$&')}%`);
  return db.orm
    .select()
    .from(codeGroups)
    .where(and(isNamed, onPage(codeGroups, filter)))
    .orderBy(...newestFirst(codeGroups))
    .limit(limit);
}

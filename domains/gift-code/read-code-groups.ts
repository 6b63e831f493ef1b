import { and, eq, getTableColumns, ilike, sql } from 'drizzle-orm';
import { newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { Generation } from './read-generations.ts';
import { codeAdditions, codeGroups } from './schema.ts';

export type CodeGroupRow = typeof codeGroups.$inferSelect;

/** A group with its latest generation, if it ever had one. */
export type CodeGroup = CodeGroupRow & { generation: (Generation & { id: string }) | null };

/** Of one statement, so that the codes of the group and those that its generation made are counted at the same moment. */
const columns = {
  ...getTableColumns(codeGroups),
  generation: sql<CodeGroup['generation']>`(
    select jsonb_build_object('id', a.id, 'state', a.state, 'made', a.made, 'total', a.total) from ${codeAdditions} a
    where a.group_id = code_groups.id and a.kind = 'generated' order by a.created_at desc, a.id desc limit 1)`,
};

/** What a list of code groups is narrowed to. */
export interface CodeGroupFilter extends Page {
  name?: string | undefined;
}

/** @param db the database, or a transaction as its `orm` */
export async function readCodeGroup(
  db: { orm: Pick<GiftCodeDatabase['orm'], 'select'> },
  id: string,
): Promise<CodeGroup | undefined> {
  const [group] = await db.orm.select(columns).from(codeGroups).where(eq(codeGroups.id, id));
  return group;
}

/** Newest first. */
export function listCodeGroups(db: GiftCodeDatabase, filter: CodeGroupFilter, limit: number): Promise<CodeGroup[]> {
  const { name } = filter;
  const isNamed = name === undefined ? undefined : ilike(codeGroups.name, `%${name.replace(/[\\%_]/g, '\\$&')}%`);
  return db.orm
    .select(columns)
    .from(codeGroups)
    .where(and(isNamed, onPage(codeGroups, filter)))
    .orderBy(...newestFirst(codeGroups))
    .limit(limit);
}

import { and, eq, lt, sql } from 'drizzle-orm';
import { newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
import type { GatewayDatabase } from './database.ts';
import { reconciliations } from './schema.ts';

export type Reconciliation = typeof reconciliations.$inferSelect;

const SILENT_FOR = sql`interval '60 seconds'`;

/** Begins one, unless it was begun or one is running. @returns that one, and whether it is new. @throws DatabaseUnavailable */
export async function beginReconciliation(
  db: GatewayDatabase,
  id: string,
): Promise<{ reconciliation: Reconciliation; begun: boolean }> {
  await failSilent(db);
  const [begun] = await db.orm
    .insert(reconciliations)
    .values({ id, state: 'running' })
    .onConflictDoNothing()
    .returning();
  if (begun) return { reconciliation: begun, begun: true };
  const [known] = await db.orm.select().from(reconciliations).where(eq(reconciliations.id, id));
  if (known) return { reconciliation: known, begun: false };
  const [running] = await db.orm.select().from(reconciliations).where(eq(reconciliations.state, 'running'));
  // The one that was in the way has just finished: there is room now.
  return running ? { reconciliation: running, begun: false } : await beginReconciliation(db, id);
}

/** Says that it still runs. */
export async function keepAlive(db: GatewayDatabase, id: string): Promise<void> {
  await db.orm.update(reconciliations).set({ aliveAt: sql`now()` }).where(isRunning(id));
}

/** Writes down how it ended. One that was given up stays so. */
export async function finishReconciliation(
  db: GatewayDatabase,
  id: string,
  end: Pick<Reconciliation, 'state'> & Partial<Pick<Reconciliation, 'findings' | 'error'>>,
): Promise<void> {
  await db.orm
    .update(reconciliations)
    .set({ ...end, finishedAt: sql`now()` })
    .where(isRunning(id));
}

export async function readReconciliation(db: GatewayDatabase, id: string): Promise<Reconciliation | undefined> {
  await failSilent(db);
  const [found] = await db.orm.select().from(reconciliations).where(eq(reconciliations.id, id));
  return found;
}

/** Newest first. */
export async function listReconciliations(db: GatewayDatabase, page: Page, limit: number): Promise<Reconciliation[]> {
  await failSilent(db);
  return await db.orm
    .select()
    .from(reconciliations)
    .where(onPage(reconciliations, page))
    .orderBy(...newestFirst(reconciliations))
    .limit(limit);
}

async function failSilent(db: GatewayDatabase): Promise<void> {
  await db.orm
    .update(reconciliations)
    .set({ state: 'failed', error: 'its process ended', finishedAt: sql`now()` })
    .where(and(eq(reconciliations.state, 'running'), lt(reconciliations.aliveAt, sql`now() - ${SILENT_FOR}`)));
}

const isRunning = (id: string) => and(eq(reconciliations.id, id), eq(reconciliations.state, 'running'));

import { isDeepStrictEqual } from 'node:util';
import { eq, sql } from 'drizzle-orm';
import { toSnakeCase } from 'drizzle-orm/casing';
import { inTransaction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import { type CodeGroup, type CodeGroupRow, readCodeGroup } from './read-code-groups.ts';
import { batchOfOne, codeGroups, outboxBatches } from './schema.ts';

export type CodeGroupChanges = Partial<
  Pick<CodeGroupRow, 'name' | 'startsAt' | 'endsAt' | 'perWalletLimit' | 'budget' | 'disabled' | 'metadata'>
>;

export type UpdatedCodeGroup =
  | { ok: true; before: CodeGroup; group: CodeGroup }
  | { ok: false; reason: 'not-found' | 'currency-mismatch' | 'window-reversed' | 'budget-below-use' };

/**
 * Changes a group. A limit that is new starts from the redemptions there are: a budget from what they add up to, a limit
 * per wallet from what each wallet is found to have used when it is next asked.
 *
 * Concurrency: the group's advisory lock, exclusively, before the group's row: reserve, release and reverse hold it shared,
 * so that none of them runs between the reading and the change. See docs/adr/0002 and 0019.
 */
export async function updateCodeGroup(
  db: GiftCodeDatabase,
  id: string,
  wanted: CodeGroupChanges,
  /** Of the new budget. */
  currency: string | undefined,
): Promise<UpdatedCodeGroup> {
  return await inTransaction(db.reads, async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(hashtextextended(${id}::uuid::text, 0))`);
    await transaction.select({ id: codeGroups.id }).from(codeGroups).where(eq(codeGroups.id, id)).for('no key update');
    const before = await readCodeGroup({ orm: transaction }, id);
    if (!before) return { ok: false, reason: 'not-found' };
    if (currency !== undefined && currency !== before.currency) return { ok: false, reason: 'currency-mismatch' };
    const isChange = ([name, value]: [string, unknown]) => !isDeepStrictEqual(value, before[name as keyof CodeGroup]);
    const changes: CodeGroupChanges = Object.fromEntries(Object.entries(wanted).filter(isChange));
    if (Object.keys(changes).length === 0) return { ok: true, before, group: before };
    const after = { ...before, ...changes };
    if (after.startsAt && after.endsAt && after.startsAt >= after.endsAt)
      return { ok: false, reason: 'window-reversed' };

    if (before.budget === null && after.budget !== null) {
      const { rows } = await transaction.execute<{ used: string }>(sql`select amount_used_1(${id}) as used`);
      after.budgetUsed = BigInt(rows[0]?.used ?? 0);
    }
    if (after.budget === null) after.budgetUsed = 0n;
    if (after.budget !== null && after.budgetUsed > after.budget) return { ok: false, reason: 'budget-below-use' };

    const isLimitNew = before.perWalletLimit === null && after.perWalletLimit !== null;
    await transaction
      .update(codeGroups)
      .set({
        ...changes,
        budgetUsed: after.budgetUsed,
        limitPeriod: sql`${codeGroups.limitPeriod} + ${isLimitNew ? 1 : 0}`,
        version: before.version + 1n,
        updatedAt: sql`now()`,
      })
      .where(eq(codeGroups.id, id));
    const changed = Object.keys(changes).map(toSnakeCase).sort();
    const group = await readCodeGroup({ orm: transaction }, id);
    if (!group) throw new Error('a locked code group vanished');
    await transaction.insert(outboxBatches).values(
      batchOfOne('code_group', {
        id,
        version: Number(group.version),
        type: 'code_group.updated',
        data: { code_group_id: id, name: group.name, disabled: group.disabled, changed },
      }),
    );
    return { ok: true, before, group };
  });
}

import { eq, sql } from 'drizzle-orm';
import { inTransaction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import { batchOfOne, codeGroups, codes, outboxBatches } from './schema.ts';

/**
 * Switches a code off or on. Its event has its place among those of the group, which is locked first, as everywhere.
 * @returns whether it was disabled before; nothing where there is no such code
 */
export async function updateCode(
  db: GiftCodeDatabase,
  id: string,
  changes: { disabled: boolean },
): Promise<{ wasDisabled: boolean } | undefined> {
  return await inTransaction(db.reads, async (transaction) => {
    const [found] = await transaction.select({ groupId: codes.groupId }).from(codes).where(eq(codes.id, id));
    if (!found) return undefined;
    await transaction.select().from(codeGroups).where(eq(codeGroups.id, found.groupId)).for('no key update');
    const [before] = await transaction.select().from(codes).where(eq(codes.id, id)).for('no key update');
    if (!before) throw new Error('a code vanished');
    if (before.disabled === changes.disabled) return { wasDisabled: before.disabled };

    await transaction.update(codes).set(changes).where(eq(codes.id, id));
    const [group] = await transaction
      .update(codeGroups)
      .set({ version: sql`${codeGroups.version} + 1` })
      .where(eq(codeGroups.id, found.groupId))
      .returning({ version: codeGroups.version });
    if (!group) throw new Error('a code group vanished');
    await transaction.insert(outboxBatches).values(
      batchOfOne('code_group', {
        id: found.groupId,
        version: Number(group.version),
        type: 'code.updated',
        data: { code_id: id, code_group_id: found.groupId, disabled: changes.disabled },
      }),
    );
    return { wasDisabled: before.disabled };
  });
}

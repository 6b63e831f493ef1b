import { eq } from 'drizzle-orm';
import type { GiftCodeDatabase } from './database.ts';
import { redemptions } from './schema.ts';

export type RedemptionMilestones = NonNullable<Awaited<ReturnType<typeof redemptionMilestones>>>;

/** What a redemption's row tells of its course. */
export async function redemptionMilestones(db: GiftCodeDatabase, id: string) {
  const [row] = await db.orm
    .select({
      id: redemptions.id,
      state: redemptions.state,
      reason: redemptions.reason,
      codeId: redemptions.codeId,
      groupId: redemptions.groupId,
      walletId: redemptions.walletId,
      amount: redemptions.amount,
      currency: redemptions.currency,
      workflowId: redemptions.workflowId,
      version: redemptions.version,
      createdAt: redemptions.createdAt,
      stuckAt: redemptions.stuckAt,
      settledAt: redemptions.settledAt,
    })
    .from(redemptions)
    .where(eq(redemptions.id, id));
  return row;
}

import { and, eq, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { RedemptionRow } from './redemption.ts';
import { codeGroups, codes, redemptions, sweepMarks } from './schema.ts';

export interface RedemptionFilter extends Page {
  clientId?: string | undefined;
  walletIds?: string[] | undefined;
  groupId?: string | undefined;
  codeId?: string | undefined;
  state?: RedemptionRow['state'] | undefined;
  reference?: string | undefined;
  /** Reserved since before this time and not over. */
  reservedBefore?: Date | undefined;
}

/** Redemptions that are still reserved. No index holds the state; they lie behind the sweep mark. */
export const isReserved: SQL = sql`(${redemptions.state} = 'reserved'
  and ${redemptions.createdAt} >= (select ${sweepMarks.sweptTo} from ${sweepMarks}))`;

/** Newest first. */
export async function listRedemptions(
  db: GiftCodeDatabase,
  filter: RedemptionFilter,
  limit: number,
): Promise<RedemptionRow[]> {
  const { clientId, walletIds, groupId, codeId, state, reference, reservedBefore } = filter;
  const rows = await db.orm
    .select({
      id: redemptions.id,
      state: redemptions.state,
      reason: redemptions.reason,
      amount: redemptions.amount,
      currency: redemptions.currency,
      reference: redemptions.reference,
      use_number: redemptions.useNumber,
      workflow_id: redemptions.workflowId,
      client_id: redemptions.clientId,
      wallet_id: redemptions.walletId,
      code_id: redemptions.codeId,
      last4: codes.last4,
      max_redemptions: codes.maxRedemptions,
      group_id: redemptions.groupId,
      group_name: codeGroups.name,
      created_at: redemptions.createdAt,
      settled_at: redemptions.settledAt,
    })
    .from(redemptions)
    .innerJoin(codes, eq(codes.id, redemptions.codeId))
    .innerJoin(codeGroups, eq(codeGroups.id, redemptions.groupId))
    .where(
      and(
        clientId ? eq(redemptions.clientId, clientId) : undefined,
        walletIds && inArray(redemptions.walletId, walletIds),
        groupId ? eq(redemptions.groupId, groupId) : undefined,
        codeId ? eq(redemptions.codeId, codeId) : undefined,
        state && (state === 'reserved' ? isReserved : eq(redemptions.state, state)),
        reference === undefined ? undefined : eq(redemptions.reference, reference),
        reservedBefore && and(isReserved, lt(redemptions.createdAt, reservedBefore)),
        onPage(redemptions, filter),
      ),
    )
    .orderBy(...newestFirst(redemptions))
    .limit(limit);
  return rows;
}

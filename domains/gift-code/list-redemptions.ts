import { and, eq, gte, inArray, isNotNull, isNull, lt, notInArray, type SQL, sql } from 'drizzle-orm';
import { unionAll } from 'drizzle-orm/pg-core';
import { newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { RedemptionRow } from './redemption.ts';
import { codeGroups, codes, redemptions, reversals, sweepMarks } from './schema.ts';

export interface RedemptionFilter extends Page {
  clientId?: string | undefined;
  walletIds?: string[] | undefined;
  groupId?: string | undefined;
  codeId?: string | undefined;
  state?: RedemptionRow['state'] | undefined;
  reference?: string | undefined;
  /** Reserved, or being reversed, since before this time and not over; or else none of these. */
  stuck?: { is: boolean; before: Date } | undefined;
}

/**
 * Redemptions that are still reserved. No index holds the state; they lie behind the sweep mark, which is read first, so that
 * the planner knows how few rows that leaves. It only moves forward: what it has passed since is settled.
 */
async function stillReserved(db: GiftCodeDatabase): Promise<SQL | undefined> {
  const [mark] = await db.orm.select().from(sweepMarks);
  return and(eq(redemptions.state, 'reserved'), mark && gte(redemptions.createdAt, mark.sweptTo));
}

/** By their ids: of two conditions, of which either is enough, the planner would see that of neither's index. */
async function isStuck(db: GiftCodeDatabase, { is, before }: NonNullable<RedemptionFilter['stuck']>): Promise<SQL> {
  const { id, createdAt } = redemptions;
  const reserved = db.orm
    .select({ id })
    .from(redemptions)
    .where(and(await stillReserved(db), lt(createdAt, before)));
  const reversing = db.orm
    .select({ id: reversals.redemptionId })
    .from(reversals)
    .where(and(isNull(reversals.endedAt), lt(reversals.begunAt, before)));
  return (is ? inArray : notInArray)(id, unionAll(reserved, reversing));
}

/** A state, and what follows from it and has an index. */
async function inState(db: GiftCodeDatabase, state: RedemptionRow['state']): Promise<SQL | undefined> {
  if (state === 'reserved') return await stillReserved(db);
  const { state: column, reason } = redemptions;
  return and(eq(column, state), state === 'completed' ? undefined : isNotNull(reason));
}

/** Of a coupon's many, the latest are found by its group, by time: without it, among all there are. */
const ofCode = (codeId: string): SQL | undefined =>
  and(
    eq(redemptions.codeId, codeId),
    eq(redemptions.groupId, sql`(select ${codes.groupId} from ${codes} where ${codes.id} = ${codeId})`),
  );

/** Newest first. */
export async function listRedemptions(
  db: GiftCodeDatabase,
  filter: RedemptionFilter,
  limit: number,
): Promise<RedemptionRow[]> {
  const { clientId, walletIds, groupId, codeId, state, reference, stuck } = filter;
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
        codeId ? ofCode(codeId) : undefined,
        state && (await inState(db, state)),
        reference === undefined ? undefined : eq(redemptions.reference, reference),
        stuck && (await isStuck(db, stuck)),
        onPage(redemptions, filter),
      ),
    )
    .orderBy(...newestFirst(redemptions))
    .limit(limit);
  return rows;
}

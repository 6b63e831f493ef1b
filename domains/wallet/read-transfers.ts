import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import { type CreatedBetween, createdBetween } from '../../platform/newest-first.ts';
import type { WalletDatabase } from './database.ts';
import { transfers } from './schema.ts';

export type Transfer = typeof transfers.$inferSelect;
/** What a timeline tells of a transfer or a void. */
export type TransferSummary = Awaited<ReturnType<typeof readTransfers>>[number];

/** Transfers and voids by id, oldest first. */
export function readTransfers(db: WalletDatabase, ids: string[]) {
  return db.orm
    .select({
      id: transfers.id,
      kind: transfers.kind,
      walletId: transfers.walletId,
      walletVersion: transfers.walletVersion,
      amount: transfers.amount,
      currency: transfers.currency,
      reason: transfers.reason,
      createdAt: transfers.createdAt,
    })
    .from(transfers)
    .where(inArray(transfers.id, ids))
    .orderBy(asc(transfers.createdAt));
}

export async function readTransfer(db: WalletDatabase, id: string): Promise<Transfer | undefined> {
  const [transfer] = await db.orm.select().from(transfers).where(eq(transfers.id, id));
  return transfer;
}

export interface TransferFilter extends CreatedBetween {
  walletId: string;
  /** Only movements before this version of the wallet. */
  beforeVersion?: bigint | undefined;
}

/** A wallet's movements, newest first: by the wallet's version, which each of them took one of. */
export function listTransfers(db: WalletDatabase, filter: TransferFilter, limit: number): Promise<Transfer[]> {
  const { walletId, beforeVersion } = filter;
  return db.orm
    .select()
    .from(transfers)
    .where(
      and(
        eq(transfers.walletId, walletId),
        sql`${transfers.kind} <> 'void'`,
        createdBetween(transfers.createdAt, filter),
        beforeVersion === undefined ? undefined : lt(transfers.walletVersion, beforeVersion),
      ),
    )
    .orderBy(desc(transfers.walletVersion))
    .limit(limit);
}

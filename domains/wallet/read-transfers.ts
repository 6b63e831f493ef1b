import { asc, inArray } from 'drizzle-orm';
import type { WalletDatabase } from './database.ts';
import { transfers } from './schema.ts';

export type Transfer = Awaited<ReturnType<typeof readTransfers>>[number];

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

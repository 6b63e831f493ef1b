import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import { type CreatedBetween, createdBetween, newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
import type { WalletDatabase } from './database.ts';
import { transfers, wallets } from './schema.ts';

export type Wallet = typeof wallets.$inferSelect;
export type Transfer = typeof transfers.$inferSelect;

export async function readWallet(db: WalletDatabase, id: string): Promise<Wallet | undefined> {
  const [wallet] = await db.orm.select().from(wallets).where(eq(wallets.id, id));
  return wallet;
}

export async function readWallets(db: WalletDatabase, ids: string[]): Promise<Wallet[]> {
  return ids.length === 0 ? [] : await db.orm.select().from(wallets).where(inArray(wallets.id, ids));
}

/** A phone's wallets, one per currency. */
export function readWalletsOfPhone(db: WalletDatabase, phone: string): Promise<Wallet[]> {
  return db.orm.select().from(wallets).where(eq(wallets.phone, phone));
}

export interface WalletFilter extends Page {
  phone?: string | undefined;
  currency?: string | undefined;
  state?: Wallet['state'] | undefined;
}

/** Newest first. */
export function listWallets(db: WalletDatabase, filter: WalletFilter, limit: number): Promise<Wallet[]> {
  const { phone, currency, state } = filter;
  return db.orm
    .select()
    .from(wallets)
    .where(
      and(
        phone ? eq(wallets.phone, phone) : undefined,
        currency ? eq(wallets.currency, currency) : undefined,
        state && eq(wallets.state, state),
        onPage(wallets, filter),
      ),
    )
    .orderBy(...newestFirst(wallets))
    .limit(limit);
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

import { and, eq, inArray } from 'drizzle-orm';
import { newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
import type { WalletDatabase } from './database.ts';
import { wallets } from './schema.ts';

export type Wallet = typeof wallets.$inferSelect;

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

import {
  type BookEntry,
  DIGEST,
  DIGEST_BY_WALLET,
  type Digest,
  findFaults,
  type PartBooks,
} from '../../platform/books.ts';
import { longRead } from '../../platform/long-read.ts';
import type { WalletDatabase } from './database.ts';

export interface WalletBooks extends PartBooks {
  wallets: number;
  transfers: number;
  /** Credited by redemptions and not taken back, by currency, in minor units. */
  credited: { currency: string; value: string }[];
}

/** What must hold between rows, each answering the rows that break it. */
const RULES: Record<string, string> = {
  'a balance is the sum of its transfers': `
    select w.id, format('balance %s; its transfers: %s', w.balance, coalesce(t.balance, 0)) as detail
    from wallets w
    left join (
      select wallet_id, sum(case when credit_account = wallet_id then amount else -amount end) as balance
      from transfers where kind <> 'void' group by wallet_id
    ) t on t.wallet_id = w.id
    where w.balance <> coalesce(t.balance, 0)`,
  'each transfer leaves the balance it says': `
    select id, format('balance_after %s; the sum up to it: %s', balance_after, running) as detail
    from (
      select id, balance_after, sum(case when credit_account = wallet_id then amount else -amount end)
        over (partition by wallet_id order by wallet_version) as running
      from transfers where kind <> 'void'
    ) t where balance_after <> running`,
  'money comes from and goes to an account of its currency': `
    select t.id, format('%s from %s to %s', t.currency, t.debit_account, t.credit_account) as detail
    from transfers t
    left join wallets w on w.id = t.wallet_id
    left join system_accounts a on a.id in (t.debit_account, t.credit_account)
    where t.kind <> 'void' and (w.currency is distinct from t.currency or a.currency is distinct from t.currency)`,
};

/** Reads the part's own books, and what the redemptions must agree to. @throws DatabaseUnavailable */
export function readWalletBooks(db: WalletDatabase, before: Date): Promise<WalletBooks> {
  return longRead(db.url, 'wallet books', async (read) => {
    const [counts] = await read<{ wallets: string; transfers: string }>(
      'select (select count(*) from wallets) as wallets, (select count(*) from transfers) as transfers',
    );
    return {
      wallets: Number(counts?.wallets),
      transfers: Number(counts?.transfers),
      credited: await read(
        `select currency, sum(case when kind = 'redemption' then amount else -amount end)::text as value
        from transfers where kind in ('redemption', 'reversal') group by 1 order by 1`,
      ),
      reversed: await read<Digest>(`select ${DIGEST_BY_WALLET} from transfers where kind = 'reversal' group by 1`),
      faults: await findFaults(read, RULES),
      digests: await read<Digest>(
        `select ${DIGEST} from transfers where kind = 'redemption' and created_at < $1 group by 1`,
        [before],
      ),
    };
  });
}

/** The credits of redemptions whose ids end in a byte. @throws DatabaseUnavailable */
export function readCreditsOf(db: WalletDatabase, bucket: number, before: Date): Promise<BookEntry[]> {
  const text = `select id, kind as state, wallet_id, amount::text from transfers
    where kind = 'redemption' and created_at < $2 and get_byte(uuid_send(id), 15) = $1`;
  return longRead(db.url, 'wallet books', (read) => read<BookEntry>(text, [bucket, before]));
}

/** What was decided of redemptions, by their ids; those undecided are left out. @throws DatabaseUnavailable */
export function readDecisions(db: WalletDatabase, ids: string[]): Promise<BookEntry[]> {
  const text = `select id, kind as state, wallet_id, amount::text from transfers
    where id = any($1) and kind in ('redemption', 'void')`;
  return longRead(db.url, 'wallet books', (read) => read<BookEntry>(text, [ids]));
}

/** The debits by which redemptions were taken back, of wallets whose ids end in a byte. @throws DatabaseUnavailable */
export function readReversals(db: WalletDatabase, bucket: number): Promise<(BookEntry & { created_at: Date })[]> {
  const text = `select id, kind as state, wallet_id, amount::text, created_at from transfers
    where kind = 'reversal' and get_byte(uuid_send(wallet_id), 15) = $1`;
  return longRead(db.url, 'wallet books', (read) => read(text, [bucket]));
}

/** The credits of redemptions to some wallets. @throws DatabaseUnavailable */
export function readCreditsOfWallets(db: WalletDatabase, walletIds: (string | null)[]): Promise<BookEntry[]> {
  const text = `select id, kind as state, wallet_id, amount::text from transfers
    where wallet_id = any($1) and kind = 'redemption'`;
  return longRead(db.url, 'wallet books', (read) => read<BookEntry>(text, [walletIds]));
}

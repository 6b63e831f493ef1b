import {
  type BookEntry,
  DIGEST,
  DIGEST_BY_WALLET,
  type Digest,
  findFaults,
  type PartBooks,
} from '../../platform/books.ts';
import { longRead } from '../../platform/long-read.ts';
import type { GiftCodeDatabase } from './database.ts';
import { ROLLUP_RULES } from './rollup-rules.ts';

export interface GiftCodeBooks extends PartBooks {
  codes: number;
  redemptions: number;
  /** Reserved, neither completed nor undone yet. */
  inFlight: number;
  /** Redeemed and not taken back, by currency, in minor units. */
  redeemed: { currency: string; value: string }[];
}

const SETTLED = `state in ('completed', 'reversed')`;

/** What must hold between rows, each answering the rows that break it. */
const RULES: Record<string, string> = {
  'a code counts its reserved and redeemed uses': `
    select c.id, format('reserved %s, redeemed %s; its redemptions: %s, %s', c.reserved, c.redeemed,
      coalesce(r.reserved, 0), coalesce(r.redeemed, 0)) as detail
    from codes c
    left join (
      select code_id, count(*) filter (where state = 'reserved') as reserved,
        count(*) filter (where state = 'completed' or place_kept) as redeemed
      from redemptions group by code_id
    ) r on r.code_id = c.id
    where (c.reserved, c.redeemed) is distinct from (coalesce(r.reserved, 0), coalesce(r.redeemed, 0))`,
  'a wallet counts its uses of a limited group': `
    select u.wallet_id as id, format('%s uses of group %s; its redemptions: %s', u.uses, u.group_id, count(r.id)) as detail
    from wallet_uses u
    join code_groups g on g.id = u.group_id and g.per_wallet_limit is not null and g.limit_period = u.limit_period
    left join redemptions r on r.group_id = u.group_id and r.wallet_id = u.wallet_id and r.state in ('reserved', 'completed')
    group by u.group_id, u.wallet_id, u.uses having u.uses <> count(r.id)`,
  'a group counts what its budget was used for': `
    select g.id, format('%s used; its redemptions: %s', g.budget_used, coalesce(sum(r.amount), 0)) as detail
    from code_groups g
    left join redemptions r on r.group_id = g.id and r.state in ('reserved', 'completed')
    where g.budget is not null
    group by g.id having g.budget_used <> coalesce(sum(r.amount), 0)`,
  'a group counts its codes and their uses': `
    select g.id, format('%s codes, %s uses; there are: %s, %s', g.code_count, g.places, coalesce(c.codes, 0),
      coalesce(c.places, 0)) as detail
    from code_groups g
    left join (select group_id, count(*) as codes, sum(max_redemptions) as places from codes group by group_id) c
      on c.group_id = g.id
    where (g.code_count, g.places) is distinct from (coalesce(c.codes, 0), coalesce(c.places, 0))`,
  ...ROLLUP_RULES,
};

/** Reads the part's own books, and what the wallets must agree to. @throws DatabaseUnavailable */
export function readGiftCodeBooks(db: GiftCodeDatabase, before: Date): Promise<GiftCodeBooks> {
  return longRead(db.url, 'gift-code books', async (read) => {
    const [counts] = await read<{ codes: string; redemptions: string; reserved: string }>(
      `select (select count(*) from codes) as codes, count(*) as redemptions,
        count(*) filter (where state = 'reserved') as reserved from redemptions`,
    );
    return {
      codes: Number(counts?.codes),
      redemptions: Number(counts?.redemptions),
      inFlight: Number(counts?.reserved),
      redeemed: await read(
        `select currency, sum(amount)::text as value from redemptions where state = 'completed' group by 1 order by 1`,
      ),
      reversed: await read<Digest>(`select ${DIGEST_BY_WALLET} from redemptions where state = 'reversed' group by 1`),
      faults: await findFaults(read, RULES),
      digests: await read<Digest>(`select ${DIGEST} from redemptions where ${SETTLED} and created_at < $1 group by 1`, [
        before,
      ]),
    };
  });
}

/** The settled redemptions whose ids end in a byte. @throws DatabaseUnavailable */
export function readSettledOf(db: GiftCodeDatabase, bucket: number, before: Date): Promise<BookEntry[]> {
  const text = `select id, state, wallet_id, amount::text from redemptions
    where ${SETTLED} and created_at < $2 and get_byte(uuid_send(id), 15) = $1`;
  return longRead(db.url, 'gift-code books', (read) => read<BookEntry>(text, [bucket, before]));
}

/** Redemptions by their ids, and whether each is being taken back; those without a row are left out. @throws DatabaseUnavailable */
export function readEntries(db: GiftCodeDatabase, ids: string[]): Promise<(BookEntry & { reversing: boolean })[]> {
  const text = `select id, state, wallet_id, amount::text, exists (select from reversals where redemption_id = id and ended_at is null) as reversing
    from redemptions where id = any($1)`;
  return longRead(db.url, 'gift-code books', (read) => read(text, [ids]));
}

/** The redemptions that were reversed, of wallets whose ids end in a byte. @throws DatabaseUnavailable */
export function readReversed(db: GiftCodeDatabase, bucket: number): Promise<BookEntry[]> {
  const text = `select id, state, wallet_id, amount::text from redemptions
    where state = 'reversed' and get_byte(uuid_send(wallet_id), 15) = $1`;
  return longRead(db.url, 'gift-code books', (read) => read<BookEntry>(text, [bucket]));
}

import type { Read } from './long-read.ts';

/** What is wrong with the books of a part: which rule is broken, by which row. */
export interface Fault {
  rule: string;
  id: string;
  detail: string;
}

/** What two parts must agree on, in short: of the rows whose ids end in the same byte, how many, and a sum of hashes. */
export interface Digest {
  /** 0 to 255. */
  bucket: number;
  count: string;
  fingerprint: string;
}

/** One redemption as a part has it. */
export interface BookEntry {
  id: string;
  state: string;
  wallet_id: string | null;
  /** Minor units, as text. */
  amount: string | null;
}

export const byId = <Entry extends BookEntry>(entries: Entry[]): Map<string, Entry> =>
  new Map(entries.map((entry) => [entry.id, entry]));

/** What the parts must agree on of a redemption, in short. */
export const factsOf = ({ wallet_id, amount }: BookEntry): string => `wallet ${wallet_id}, ${amount}`;

/** The digest's expressions over a row with an id, a wallet_id and an amount; the same in every part and version. */
export const DIGEST = `get_byte(uuid_send(id), 15) as bucket, count(*)::text as count,
  sum(('x' || left(md5(id || ' ' || wallet_id || ' ' || amount), 15))::bit(60)::bigint)::text as fingerprint`;

/** Likewise of reversals, whose ids are not the same in both parts: by wallets that end in the same byte. */
export const DIGEST_BY_WALLET = `get_byte(uuid_send(wallet_id), 15) as bucket, count(*)::text as count,
  sum(('x' || left(md5(wallet_id || ' ' || amount), 15))::bit(60)::bigint)::text as fingerprint`;

/** Faults told of each rule; how many there are is told in any case. */
export const FAULTS_TOLD = 100;

/** The rows that break rules. Each rule is a query for them, which answers their ids, and as `detail` what is wrong. */
export async function findFaults(read: Read, rules: Record<string, string>): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const [rule, text] of Object.entries(rules)) {
    for (const row of await read<Omit<Fault, 'rule'>>(text)) faults.push({ rule, ...row });
  }
  return faults;
}

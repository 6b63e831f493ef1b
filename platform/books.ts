import type { Read } from './long-read.ts';

/** What is wrong with the books of a part: which rule is broken, by which row. */
export interface Fault {
  rule: string;
  id: string;
  detail: string;
}

/** What is wrong altogether: how many rows, and of each rule the first ones. */
export interface Faults {
  count: number;
  told: Fault[];
}

/** What two parts must agree on, in short: of the rows whose ids end in the same byte, how many, and a sum of hashes. */
export interface Digest {
  /** 0 to 255. */
  bucket: number;
  count: string;
  fingerprint: string;
}

/** What the books of each part tell. */
export interface PartBooks {
  /** Of settled redemptions, and of their credits. */
  digests: Digest[];
  /** Of what was taken back. */
  reversed: Digest[];
  faults: Faults;
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

/** Most faults told of each rule: where a part was set back to a backup, every row may be one. */
const FAULTS_TOLD = 100;

/** Counts what is wrong, and keeps as much of each rule as is told. */
export function collectFaults(): { add(found: Faults): void; faults(): Faults } {
  const kept = new Map<string, Fault[]>();
  let count = 0;
  return {
    add(found) {
      count += found.count;
      for (const fault of found.told) {
        const ofRule = kept.get(fault.rule) ?? [];
        kept.set(fault.rule, ofRule);
        if (ofRule.length < FAULTS_TOLD) ofRule.push(fault);
      }
    },
    faults: () => ({ count, told: [...kept.values()].flat() }),
  };
}

/** The rows that break rules. Each rule is a query for them, which answers their ids, and as `detail` what is wrong. */
export async function findFaults(read: Read, rules: Record<string, string>): Promise<Faults> {
  const found = collectFaults();
  for (const [rule, text] of Object.entries(rules)) {
    const rows = await read<{ id: string; detail: string; count: string }>(
      `select id, detail, count(*) over () as count from (${text}) broken limit ${FAULTS_TOLD}`,
    );
    const told = rows.map(({ id, detail }) => ({ rule, id, detail }));
    found.add({ count: Number(rows[0]?.count ?? 0), told });
  }
  return found.faults();
}

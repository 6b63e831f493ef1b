import { and, eq, isNotNull, sql } from 'drizzle-orm';
import { type CodeKeys, fingerprint, makeCodeKeys, readCodeKeys } from '../../platform/code-keys.ts';
import { ConfigError } from '../../platform/config.ts';
import { inTransaction } from '../../platform/database.ts';
import type { Transaction } from './add-codes.ts';
import type { GiftCodeDatabase } from './database.ts';
import { codeHashes, codeKeys, codes } from './schema.ts';

type Registered = typeof codeKeys.$inferSelect;
type Purpose = Registered['purpose'];
/** What is told of a key, which does not give it away. */
type Mark = Pick<Registered, 'purpose' | 'keyId' | 'fingerprint'>;

/** What a key has `reached` when all codes are hashed or sealed with it. */
export const ALL_CODES = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * The keys that the codes in this database were hashed and sealed with; the first keys are made here. Without the right
 * keys no code could be found, so a start without them is refused. @throws ConfigError
 */
export async function openCodeKeys(db: GiftCodeDatabase, home: string, fromEnvironment?: string): Promise<CodeKeys> {
  let keys = await readCodeKeys(home, fromEnvironment);
  if (!keys) {
    if ((await db.orm.$count(codeKeys)) > 0) {
      throw new ConfigError(
        `the code keys are missing: restore ${home}/keys/codes.json or set VOUCHSAFE_CODE_KEYS; the codes in the database cannot be found without them`,
      );
    }
    keys = await makeCodeKeys(home);
  }
  const refusal = await admitKeys(db, marksOf(keys));
  if (refusal !== null) throw new ConfigError(refusal);
  return keys;
}

/**
 * Brings the keys of a process that starts into use; one that no code needs any more may be missing: it is withdrawn.
 * @returns null, or why a process with these keys may not start
 */
export async function admitKeys(db: GiftCodeDatabase, own: Mark[]): Promise<string | null> {
  const known = await db.orm.select().from(codeKeys);
  if (isSettled(known, own)) return null;
  const refused = await inTransaction(db.reads, (transaction) => register(transaction, own));
  if (!refused) return null;
  const { purpose, keyId } = refused;
  return `the code keys are not those of this database: its ${purpose} key ${keyId} is ${matchOf(refused, own) ? 'another one' : 'missing'}`;
}

/** How the keys of a process and of the database fit together. */
export interface CodeKeysFit {
  /** Each key in use is there. */
  complete: boolean;
  /** Keys that no code needs any more, `pepper 1` say. */
  superseded: string[];
  /** Keys that not all codes are hashed or sealed with yet. */
  underway: string[];
}

export async function codeKeysFit(db: GiftCodeDatabase, own: Mark[]): Promise<CodeKeysFit> {
  const inUse = (await db.orm.select().from(codeKeys)).filter(isInUse);
  const newest = followedKeys(inUse, own);
  const isDone = (purpose: Purpose) => newest.some((row) => row.purpose === purpose && row.reached === ALL_CODES);
  return {
    complete: inUse.every((row) => isSame(row, matchOf(row, own))),
    superseded: inUse.filter((row) => isDone(row.purpose) && !newest.includes(row)).map(nameOf),
    underway: newest.filter((row) => row.reached !== ALL_CODES).map(nameOf),
  };
}

/** Keys that all codes are to be hashed or sealed with: the newest of ours, where there are others in use. */
export function followedKeys(inUse: Registered[], own: Mark[]): Registered[] {
  return inUse.filter(
    ({ purpose, keyId }) =>
      newestOf(purpose, own)?.keyId === keyId &&
      inUse.some((other) => other.purpose === purpose && other.keyId !== keyId),
  );
}

/** The key that what is new is hashed or sealed with, by which codes are found or opened when the others are gone. */
function newestOf<Key extends Pick<Mark, 'purpose'>>(purpose: Purpose, keys: Key[]): Key | undefined {
  return keys.filter((key) => key.purpose === purpose).at(-1);
}

export const marksOf = ({ peppers, seals }: CodeKeys): Mark[] => [
  ...peppers.map((key) => ({ purpose: 'pepper' as const, keyId: key.id, fingerprint: fingerprint(key) })),
  ...seals.map((key) => ({ purpose: 'seal' as const, keyId: key.id, fingerprint: fingerprint(key) })),
];

export const isInUse = (row: Registered): boolean => row.withdrawnAt === null;

export const isKey = ({ purpose, keyId }: Pick<Mark, 'purpose' | 'keyId'>) =>
  and(eq(codeKeys.purpose, purpose), eq(codeKeys.keyId, keyId));

const nameOf = ({ purpose, keyId }: Mark): string => `${purpose} ${keyId}`;

const matchOf = (row: Mark, among: Mark[]) =>
  among.find((key) => key.purpose === row.purpose && key.keyId === row.keyId);

const isSame = (row: Mark, match: Mark | undefined): boolean => match?.fingerprint.equals(row.fingerprint) === true;

const isSettled = (known: Registered[], own: Mark[]): boolean => {
  const inUse = known.filter(isInUse);
  return inUse.length === own.length && inUse.every((row) => isSame(row, matchOf(row, own)));
};

/** Until the end of the transaction, no codes are added, and no keys come into use or are withdrawn. */
export async function lockKeys(transaction: Transaction): Promise<void> {
  await transaction.execute(sql`select pg_advisory_xact_lock(hashtextextended('vouchsafe code keys', 0))`);
}

/**
 * Brings keys into use, and withdraws those that are missing and that no code needs. @returns the key that cannot be used
 * so, of which nothing was changed
 *
 * Concurrency: `check_peppers` holds the lock shared while codes are written.
 */
async function register(transaction: Transaction, own: Mark[]): Promise<Mark | undefined> {
  await lockKeys(transaction);
  const known = await transaction.select().from(codeKeys);
  const other = known.find((row) => matchOf(row, own) && !isSame(row, matchOf(row, own)));
  if (other) return other;
  const missing = known.filter((row) => isInUse(row) && !matchOf(row, own));
  for (const row of missing) if (!(await isSuperseded(transaction, row, known, own))) return row;

  for (const row of missing) {
    await transaction.update(codeKeys).set({ withdrawnAt: sql`now()`, reached: null }).where(isKey(row));
  }
  await transaction
    .insert(codeKeys)
    .values(own)
    .onConflictDoUpdate({
      target: [codeKeys.purpose, codeKeys.keyId],
      set: { withdrawnAt: null, reached: null },
      setWhere: isNotNull(codeKeys.withdrawnAt),
    });
  return undefined;
}

/** Whether all codes can be found, or opened, with the newest key of ours. If some cannot, all are looked at again. */
async function isSuperseded(transaction: Transaction, row: Mark, known: Registered[], own: Mark[]): Promise<boolean> {
  const newest = newestOf(row.purpose, own);
  if (!newest || known.find((key) => matchOf(newest, [key]))?.reached !== ALL_CODES) return false;
  const left =
    row.purpose === 'pepper'
      ? sql`(select count(*) from ${codeHashes} where key_id = ${newest.keyId}) < (select count(*) from ${codes})`
      : sql`exists (select from ${codes} where seal_key_id = ${row.keyId})`;
  const { rows } = await transaction.execute<{ left: boolean }>(sql`select ${left} as "left"`);
  if (rows[0]?.left === false) return true;
  await transaction.update(codeKeys).set({ reached: null }).where(isKey(newest));
  return false;
}

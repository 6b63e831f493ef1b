import { and, asc, eq, gt, isNotNull, isNull, ne, sql } from 'drizzle-orm';
import { type CodeKey, type CodeKeys, hashCode, sealCode, unsealCode } from '../../platform/code-keys.ts';
import { readCode } from '../../platform/code-text.ts';
import { inTransaction } from '../../platform/database.ts';
import type { Transaction } from './add-codes.ts';
import type { GiftCodeDatabase } from './database.ts';
import { ALL_CODES, followedKeys, isInUse, isKey, lockKeys, marksOf } from './open-code-keys.ts';
import { codeHashes, codeKeys, codes } from './schema.ts';

type Row = Pick<typeof codes.$inferSelect, 'id' | 'sealed' | 'sealKeyId'>;

const NO_CODE = '00000000-0000-0000-0000-000000000000';

/**
 * Hashes and seals all codes with the newest keys, where there are older ones, and removes the hashes of peppers that are
 * withdrawn: piece by piece, from where it was left. See docs/adr/0020.
 *
 * @param piece how many codes, or hashes, are looked at in one transaction
 * @param goesOn asked after each piece, which took so many milliseconds; false stops
 * @returns how many codes were looked at @throws DatabaseUnavailable
 */
export async function renewCodes(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  piece: number,
  goesOn: (tookMs: number) => boolean | Promise<boolean> = () => true,
): Promise<number> {
  let total = 0;
  for (;;) {
    const startedAt = performance.now();
    const renewed = (await renewPiece(db, keys, piece)) ?? (await removePiece(db, piece));
    if (renewed === undefined) return total;
    total += renewed;
    if (!(await goesOn(performance.now() - startedAt))) return total;
  }
}

/**
 * Concurrency: the keys' rows are locked before the codes, so that two sweepers come one after the other; one that follows
 * other keys, or codes that are added, may set a mark back, and no piece that was begun before may overwrite that. The last
 * piece is looked at while no codes are added.
 * @returns how many codes were looked at, undefined where there is nothing to do
 */
async function renewPiece(db: GiftCodeDatabase, keys: CodeKeys, piece: number): Promise<number | undefined> {
  if ((await dueMarks(db.orm, keys)).length === 0) return undefined;
  return (await renewNext(db, keys, piece, { last: false })) ?? (await renewNext(db, keys, piece, { last: true }));
}

type Reader = Pick<Transaction, 'select'>;

/** The keys that not all codes are hashed or sealed with yet. */
async function dueMarks(reader: Reader, keys: CodeKeys, lock = false) {
  const rows = reader.select().from(codeKeys).orderBy(asc(codeKeys.purpose), asc(codeKeys.keyId));
  const inUse = (await (lock ? rows.for('update') : rows)).filter(isInUse);
  return followedKeys(inUse, marksOf(keys)).filter(({ reached }) => reached !== ALL_CODES);
}

/** @returns how many codes were looked at; undefined where those are the last ones, and it is not to look at these */
async function renewNext(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  piece: number,
  { last }: { last: boolean },
): Promise<number | undefined> {
  return await inTransaction(db.bulk, async (transaction) => {
    if (last) await lockKeys(transaction);
    const marks = await dueMarks(transaction, keys, true);
    if (marks.length === 0) return 0;
    const isDue = (purpose: 'pepper' | 'seal') => marks.some((mark) => mark.purpose === purpose);
    const pepper = isDue('pepper') && keys.peppers.at(-1);
    const seal = isDue('seal') && keys.seals.at(-1);

    const from = marks.map(({ reached }) => reached ?? NO_CODE).reduce((one, other) => (one < other ? one : other));
    const page = transaction
      .select({ id: codes.id, sealed: codes.sealed, sealKeyId: codes.sealKeyId })
      .from(codes)
      .where(gt(codes.id, from))
      .orderBy(asc(codes.id))
      .limit(piece);
    // Where rows are to be changed they are locked in the order in which reserve locks them.
    const rows: Row[] = await (seal ? page.for('no key update') : page);
    if (rows.length < piece && !last) return undefined;
    if (pepper) await hashAll(transaction, keys, pepper, rows);
    if (seal) await sealAll(transaction, keys, seal, rows);
    const reached = rows.length < piece ? ALL_CODES : (rows.at(-1)?.id ?? ALL_CODES);
    for (const mark of marks) await transaction.update(codeKeys).set({ reached }).where(isKey(mark));
    return rows.length;
  });
}

/** Writes the hashes under a pepper of codes that may have none under it. */
async function hashAll(transaction: Transaction, keys: CodeKeys, pepper: CodeKey, rows: Row[]): Promise<void> {
  if (rows.length === 0) return;
  const readings = rows.flatMap(({ id, sealed, sealKeyId }) => {
    const reading = readCode(unsealCode(keys.seals, sealKeyId, id, sealed));
    const texts = reading.ok ? [reading.canonical, reading.generated].filter((text) => text !== null) : [];
    return [...new Set(texts)].map((text) => ({ id, text, hashes: keys.peppers.map((key) => hashCode(key, text)) }));
  });
  const hashes = readings.flatMap((reading) => reading.hashes);
  const { rows: found } = await transaction.execute<{ hash: Buffer; code_id: string }>(
    sql`select hash, code_id from ${codeHashes} where hash = any(${sql.param(hashes)}::bytea[])`,
  );
  const codeOf = new Map(found.map((row) => [row.hash.toString('hex'), row.code_id]));
  // A sealed text may be read in two ways: the one that a hash of the code is taken of is right.
  const right = readings.filter(({ id, hashes }) => hashes.some((hash) => codeOf.get(hash.toString('hex')) === id));
  if (new Set(right.map(({ id }) => id)).size < rows.length) {
    throw new Error('a code has a hash under none of the peppers');
  }
  const missing = right
    .map(({ id, text }) => ({ hash: hashCode(pepper, text), id }))
    .filter(({ hash }) => !codeOf.has(hash.toString('hex')))
    .sort((one, other) => Buffer.compare(one.hash, other.hash));
  await transaction.execute(sql`
    insert into ${codeHashes} (hash, code_id, key_id)
    select hash, id, ${pepper.id} from unnest(${sql.param(missing.map(({ hash }) => hash))}::bytea[],
      ${sql.param(missing.map(({ id }) => id))}::uuid[]) n(hash, id)
    on conflict do nothing`);
}

/** Seals anew what is sealed with another key. */
async function sealAll(transaction: Transaction, keys: CodeKeys, seal: CodeKey, rows: Row[]): Promise<void> {
  const others = rows.filter(({ sealKeyId }) => sealKeyId !== seal.id);
  if (others.length === 0) return;
  const seals = others.map(({ id, sealed, sealKeyId }) =>
    sealCode(seal, id, unsealCode(keys.seals, sealKeyId, id, sealed)),
  );
  await transaction.execute(sql`
    update ${codes} set sealed = n.sealed, seal_key_id = ${seal.id}
    from unnest(${sql.param(others.map(({ id }) => id))}::uuid[], ${sql.param(seals)}::bytea[]) n(id, sealed)
    where ${codes.id} = n.id`);
  // A process may still follow another key: its work is undone here.
  await transaction
    .update(codeKeys)
    .set({ reached: null })
    .where(and(eq(codeKeys.purpose, 'seal'), ne(codeKeys.keyId, seal.id), isNull(codeKeys.withdrawnAt)));
}

/** Removes some of the hashes under peppers that are withdrawn. */
async function removePiece(db: GiftCodeDatabase, piece: number): Promise<number | undefined> {
  const isLeft = sql`${codeKeys.reached} is distinct from ${ALL_CODES}`;
  const [mark] = await db.orm
    .select()
    .from(codeKeys)
    .where(and(eq(codeKeys.purpose, 'pepper'), isNotNull(codeKeys.withdrawnAt), isLeft))
    .limit(1);
  if (!mark) return undefined;
  return await inTransaction(db.bulk, async (transaction) => {
    const from = Buffer.from((mark.reached ?? NO_CODE).replaceAll('-', ''), 'hex');
    const looked = await transaction
      .select({ hash: codeHashes.hash, keyId: codeHashes.keyId })
      .from(codeHashes)
      .where(gt(codeHashes.hash, from))
      .orderBy(asc(codeHashes.hash))
      .limit(piece);
    const gone = looked.filter(({ keyId }) => keyId === mark.keyId).map(({ hash }) => hash);
    await transaction.execute(sql`delete from ${codeHashes} where hash = any(${sql.param(gone)}::bytea[])`);
    const last = looked.at(-1)?.hash;
    const reached = looked.length < piece || !last ? ALL_CODES : last.toString('hex', 0, 16);
    await transaction
      .update(codeKeys)
      .set({ reached })
      .where(and(isKey(mark), isNotNull(codeKeys.withdrawnAt)));
    return 0;
  });
}

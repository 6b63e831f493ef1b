import { setImmediate as nextTurn } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import type { CodeKeys } from '../../platform/code-keys.ts';
import { foldCode } from '../../platform/code-text.ts';
import { inTransaction } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import { addCodes, type GivenCode, keepGivenLengths, type Transaction } from './add-codes.ts';
import type { GiftCodeDatabase } from './database.ts';
import { knownWithPrefix } from './known-with-prefix.ts';
import { batchOfOne, codeAdditions, codeGroups, type ImportReport, outboxBatches } from './schema.ts';
import { type NewCode, sealCodes } from './seal-codes.ts';
import { takePositions } from './take-positions.ts';

export interface CodeImport {
  id: string;
  groupId: string;
  /** In the order of their positions. */
  codes: GivenCode[];
  /** What the report is to say of lines that are no codes. */
  invalid: Pick<ImportReport, 'invalid' | 'invalid_total'>;
  /** SHA-256 of the request, which a repeat under the same id must have too. */
  requestHash: Buffer;
}

export type ImportedCodes =
  | { ok: true; replayed: boolean; report: ImportReport }
  | { ok: false; reason: 'not-found' | 'group-full' | 'idempotency-key-reused' };

type UniqueCode = NewCode & { position: number; maxRedemptions: number };

const CHUNK = 5_000;

/**
 * Puts given codes into a group, all that are new or, where something fails, none. A repeat of the same request is answered
 * with the first one's report.
 *
 * Concurrency: the import's row comes first, so that a repeat waits for the first one; the group's row comes last and is
 * held for a moment. Codes are written in the order of their text, so that two imports of the same codes do not deadlock
 * but by chance, within a chunk, where the order is another: then one of them is refused with ContentionError.
 * @throws DatabaseUnavailable, ContentionError
 */
export async function importCodes(db: GiftCodeDatabase, keys: CodeKeys, request: CodeImport): Promise<ImportedCodes> {
  const known = await readImport(db, request);
  if (known) return known;
  const firstPosition = await takePositions(db, request.groupId, Math.max(request.codes.length, 1));
  if (typeof firstPosition === 'string') return { ok: false, reason: firstPosition };
  const codes = await uniqueCodes(request.codes, firstPosition);

  const report = await inTransaction(db.bulk, async (transaction) => {
    const written = await transaction
      .insert(codeAdditions)
      .values({
        id: request.id,
        groupId: request.groupId,
        kind: 'imported',
        state: 'done',
        made: 0,
        total: codes.length,
        firstPosition,
        requestHash: request.requestHash,
        endedAt: sql`now()`,
      })
      .onConflictDoNothing()
      .returning({ id: codeAdditions.id });
    if (written.length === 0) return null;
    let imported = 0;
    let newPlaces = 0;
    const newFrom = async (start: number) => {
      const next = codes.slice(start, start + CHUNK);
      const known = await knownWithPrefix(
        transaction,
        keys,
        next.map((code) => code.canonical),
      );
      return next.filter((code) => !known.has(code.canonical));
    };
    let chunk = await newFrom(0);
    let sealed = await sealCodes(keys, chunk.length, chunk);
    for (let start = 0; start < codes.length; start += CHUNK) {
      const positions = chunk.map((code) => code.position);
      const places = chunk.map((code) => code.maxRedemptions);
      const next = await newFrom(start + CHUNK);
      // The next chunk is sealed while the database writes.
      const [written, nextSealed] = await Promise.all([
        addCodes(transaction, request.groupId, sealed, positions, places),
        sealCodes(keys, next.length, next),
      ]);
      imported += written.size;
      for (const { id, maxRedemptions } of chunk) if (written.has(id)) newPlaces += maxRedemptions;
      chunk = next;
      sealed = nextSealed;
    }
    await keepGivenLengths(
      transaction,
      codes.map((code) => code.canonical),
    );
    const report = { imported, duplicates: request.codes.length - imported, ...request.invalid };
    await transaction.update(codeAdditions).set({ made: imported, report }).where(eq(codeAdditions.id, request.id));
    if (imported > 0) await growGroup(transaction, request.groupId, imported, newPlaces);
    return report;
  });
  if (report) return { ok: true, replayed: false, report };
  const first = await readImport(db, request);
  if (!first) throw new Error('an import vanished');
  return first;
}

/** Each code once, the first time it is there, in the order of the texts. */
async function uniqueCodes(given: GivenCode[], firstPosition: number): Promise<UniqueCode[]> {
  const seen = new Map<string, UniqueCode>();
  for (const [index, { text, maxRedemptions }] of given.entries()) {
    const canonical = foldCode(text);
    if (!seen.has(canonical)) {
      seen.set(canonical, { id: newId(), text, canonical, position: firstPosition + index, maxRedemptions });
    }
    if (index % 1_000 === 999) await nextTurn();
  }
  return [...seen.values()].sort((a, b) => (a.canonical < b.canonical ? -1 : 1));
}

async function growGroup(
  transaction: Transaction,
  groupId: string,
  imported: number,
  newPlaces: number,
): Promise<void> {
  const [group] = await transaction
    .update(codeGroups)
    .set({
      codeCount: sql`${codeGroups.codeCount} + ${imported}`,
      places: sql`${codeGroups.places} + ${newPlaces}`,
      version: sql`${codeGroups.version} + 1`,
      updatedAt: sql`now()`,
    })
    .where(eq(codeGroups.id, groupId))
    .returning();
  if (!group) throw new Error('a code group vanished');
  await transaction.insert(outboxBatches).values(
    batchOfOne('code_group', {
      id: groupId,
      version: Number(group.version),
      type: 'code_group.updated',
      data: {
        code_group_id: groupId,
        name: group.name,
        disabled: group.disabled,
        changed: ['codes'],
        code_count: group.codeCount,
      },
    }),
  );
}

async function readImport(
  db: GiftCodeDatabase,
  { id, requestHash }: Pick<CodeImport, 'id' | 'requestHash'>,
): Promise<ImportedCodes | undefined> {
  const [row] = await db.orm.select().from(codeAdditions).where(eq(codeAdditions.id, id));
  if (!row) return undefined;
  if (!row.report || !row.requestHash.equals(requestHash)) return { ok: false, reason: 'idempotency-key-reused' };
  return { ok: true, replayed: true, report: row.report };
}

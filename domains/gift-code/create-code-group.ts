import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { type CodeKeys, hashCode, sealCode, unsealCode } from '../../platform/code-keys.ts';
import { foldCode, formatCode, generateCodeText } from '../../platform/code-text.ts';
import { newId } from '../../platform/ids.ts';
import type { GiftCodeDatabase } from './database.ts';
import { type CodeGroup, readCodeGroup } from './read-code-groups.ts';
import { codeGroups, codeHashes, codes, givenCodeLengths, outbox } from './schema.ts';

export interface NewCodeGroup {
  id: string;
  clientId: string;
  name: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  prefix: string | null;
  startsAt: Date | null;
  endsAt: Date | null;
  perWalletLimit: number | null;
  budget: bigint | null;
  metadata: Record<string, unknown>;
  /** SHA-256 of the request, which a repeat under the same id must have too. */
  requestHash: Buffer;
  /** How many codes to generate, or the codes themselves, as normalised text. */
  codes: number | { text: string; maxRedemptions: number }[];
}

export type CreatedCodeGroup =
  | { ok: true; replayed: boolean; group: CodeGroup; codes: { id: string; code: string }[] }
  | { ok: false; reason: 'idempotency-key-reused' }
  /** Positions (from 0) of given codes that exist already. */
  | { ok: false; reason: 'codes-exist'; positions: number[] };

interface NewCode {
  id: string;
  position: number;
  /** As people see it. */
  text: string;
  canonical: string;
  maxRedemptions: number;
}

/**
 * Makes a group with all its codes, or nothing. A repeat of the same request is answered with the first one's group and
 * codes. @throws DatabaseUnavailable
 */
export async function createCodeGroup(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  request: NewCodeGroup,
): Promise<CreatedCodeGroup> {
  const newCodes =
    typeof request.codes === 'number' ? generate(request.codes, request.prefix) : request.codes.map(given);
  const taken = await db.orm
    .transaction(async (transaction) => {
      const [written] = await transaction
        .insert(codeGroups)
        .values({ ...request, codeCount: newCodes.length })
        .onConflictDoNothing()
        .returning({ id: codeGroups.id });
      if (!written) return 'repeat';

      const seal = keys.seals.at(-1);
      if (!seal) throw new Error('there is no seal key');
      await transaction.insert(codes).values(
        newCodes.map((code) => ({
          id: code.id,
          groupId: request.id,
          position: code.position,
          maxRedemptions: code.maxRedemptions,
          last4: code.text.slice(-4),
          sealed: sealCode(seal, code.id, code.text),
          sealKeyId: seal.id,
        })),
      );
      // In the order of the unique key, so that two groups with the same codes meet in one order.
      const hashes = newCodes
        .flatMap(({ id, canonical }) =>
          keys.peppers.map((pepper) => ({ hash: hashCode(pepper, canonical), codeId: id, keyId: pepper.id })),
        )
        .sort((a, b) => a.hash.compare(b.hash));
      const added = await transaction
        .insert(codeHashes)
        .values(hashes)
        .onConflictDoNothing()
        .returning({ codeId: codeHashes.codeId, keyId: codeHashes.keyId });
      if (added.length < hashes.length) {
        const isNew = new Set(added.filter(({ keyId }) => keyId === keys.peppers[0]?.id).map(({ codeId }) => codeId));
        throw new CodesExist(newCodes.flatMap((code, position) => (isNew.has(code.id) ? [] : [position])));
      }
      const lengths =
        typeof request.codes === 'number' ? [] : [...new Set(newCodes.map((code) => code.canonical.length))];
      if (lengths.length > 0) {
        await transaction
          .insert(givenCodeLengths)
          .values(lengths.map((length) => ({ length })))
          .onConflictDoNothing();
      }
      await transaction.insert(outbox).values({
        aggregate: 'code_group',
        aggregateId: request.id,
        aggregateVersion: 1n,
        type: 'code_group.created',
        data: {
          code_group_id: request.id,
          name: request.name,
          amount: { value: Number(request.amount), currency: request.currency },
          code_count: newCodes.length,
        },
      });
      return null;
    })
    .catch((error: unknown) => {
      if (error instanceof CodesExist) return error;
      throw error;
    });
  if (taken instanceof CodesExist) return { ok: false, reason: 'codes-exist', positions: taken.positions };

  const group = await readCodeGroup(db, request.id);
  if (!group) throw new Error('a code group vanished');
  if (taken === null) {
    return { ok: true, replayed: false, group, codes: newCodes.map(({ id, text }) => ({ id, code: text })) };
  }
  if (!group.requestHash.equals(request.requestHash)) return { ok: false, reason: 'idempotency-key-reused' };
  return { ok: true, replayed: true, group, codes: await readCodes(db, keys, request.id) };
}

class CodesExist extends Error {
  readonly positions: number[];
  constructor(positions: number[]) {
    super('codes exist');
    this.positions = positions;
  }
}

function generate(count: number, prefix: string | null): NewCode[] {
  return Array.from({ length: count }, (_, index) => {
    const canonical = generateCodeText(randomBytes);
    return { id: newId(), position: index + 1, text: formatCode(canonical, prefix), canonical, maxRedemptions: 1 };
  });
}

function given(code: { text: string; maxRedemptions: number }, index: number): NewCode {
  return { id: newId(), position: index + 1, canonical: foldCode(code.text), ...code };
}

async function readCodes(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  groupId: string,
): Promise<{ id: string; code: string }[]> {
  const rows = await db.orm
    .select({ id: codes.id, sealed: codes.sealed, sealKeyId: codes.sealKeyId })
    .from(codes)
    .where(eq(codes.groupId, groupId))
    .orderBy(codes.position);
  return rows.map((row) => ({ id: row.id, code: unsealCode(keys.seals, row.sealKeyId, row.id, row.sealed) }));
}

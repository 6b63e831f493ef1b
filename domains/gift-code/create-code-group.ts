import type { CodeKeys } from '../../platform/code-keys.ts';
import { foldCode } from '../../platform/code-text.ts';
import { inTransaction } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import { addCodes, type GivenCode, keepGivenLengths } from './add-codes.ts';
import type { GiftCodeDatabase } from './database.ts';
import { knownWithPrefix } from './known-with-prefix.ts';
import { type CodeGroup, readCodeGroup } from './read-code-groups.ts';
import { readCodeTexts } from './read-codes.ts';
import { batchOfOne, codeAdditions, codeGroups, outboxBatches } from './schema.ts';
import { type NewCode, newGeneratedCodes, sealCodes } from './seal-codes.ts';

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
  /** How many codes to generate, at once or in the background, or the codes themselves. */
  codes: number | { background: number } | GivenCode[];
}

export type CreatedCodeGroup =
  | { ok: true; replayed: boolean; group: CodeGroup; codes: { id: string; code: string }[] }
  | { ok: false; reason: 'idempotency-key-reused' }
  /** Positions (from 0) of given codes that exist already. */
  | { ok: false; reason: 'codes-exist'; positions: number[] };

/**
 * Makes a group with all its codes, or nothing. Where codes are to be made in the background, the group comes with a
 * generation that runs, under the group's own id. A repeat of the same request is answered with the first one's group and
 * codes. @throws DatabaseUnavailable
 */
export async function createCodeGroup(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  request: NewCodeGroup,
): Promise<CreatedCodeGroup> {
  const later = typeof request.codes === 'object' && 'background' in request.codes ? request.codes.background : 0;
  const newCodes = codesOf(request);
  const sealed = newCodes.length > 0 ? await sealCodes(keys, newCodes.length, newCodes) : null;
  const made = await inTransaction(db.reads, async (transaction) => {
    const [written] = await transaction
      .insert(codeGroups)
      .values({
        ...request,
        codeCount: newCodes.length,
        places: BigInt(newCodes.reduce((sum, code) => sum + code.maxRedemptions, 0)),
        positions: newCodes.length + later,
      })
      .onConflictDoNothing()
      .returning({ id: codeGroups.id });
    if (!written) return undefined;

    if (later > 0) {
      await transaction.insert(codeAdditions).values({
        id: request.id,
        groupId: request.id,
        kind: 'generated',
        state: 'running',
        made: 0,
        total: later,
        firstPosition: 1,
        requestHash: request.requestHash,
      });
    }
    if (sealed) {
      const positions = newCodes.map((_, index) => index + 1);
      const places = newCodes.map((code) => code.maxRedemptions);
      const added = await addCodes(transaction, request.id, sealed, positions, places);
      const given = Array.isArray(request.codes) ? newCodes.map((code) => code.canonical) : [];
      const known = await knownWithPrefix(transaction, keys, given);
      const isNew = ({ id, canonical }: NewCode) => added.has(id) && !known.has(canonical);
      const taken = newCodes.flatMap((code, position) => (isNew(code) ? [] : [position]));
      if (taken.length > 0) throw new CodesExist(taken);
      await keepGivenLengths(transaction, given);
    }
    await transaction.insert(outboxBatches).values(
      batchOfOne('code_group', {
        id: request.id,
        version: 1,
        type: 'code_group.created',
        data: {
          code_group_id: request.id,
          name: request.name,
          amount: { value: Number(request.amount), currency: request.currency },
          code_count: newCodes.length,
        },
      }),
    );
    return await readCodeGroup({ orm: transaction }, request.id);
  }).catch((error: unknown) => {
    if (error instanceof CodesExist) return error;
    throw error;
  });
  if (made instanceof CodesExist) return { ok: false, reason: 'codes-exist', positions: made.positions };
  if (made) {
    return { ok: true, replayed: false, group: made, codes: newCodes.map(({ id, text }) => ({ id, code: text })) };
  }

  const group = await readCodeGroup(db, request.id);
  if (!group) throw new Error('a code group vanished');
  if (!group.requestHash.equals(request.requestHash)) return { ok: false, reason: 'idempotency-key-reused' };
  return { ok: true, replayed: true, group, codes: await readCodeTexts(db, keys, request.id, 1, newCodes.length) };
}

class CodesExist extends Error {
  readonly positions: number[];
  constructor(positions: number[]) {
    super('codes exist');
    this.positions = positions;
  }
}

function codesOf({ codes, prefix }: NewCodeGroup): (NewCode & { maxRedemptions: number })[] {
  if (typeof codes === 'number') {
    return Array.from(newGeneratedCodes(codes, prefix), (code) => ({ ...code, maxRedemptions: 1 }));
  }
  return 'background' in codes ? [] : codes.map((code) => ({ id: newId(), canonical: foldCode(code.text), ...code }));
}

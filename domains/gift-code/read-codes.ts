import { and, desc, eq, gte, lt, lte, type SQL, sql } from 'drizzle-orm';
import { type CodeKeys, hashCode, unsealCode } from '../../platform/code-keys.ts';
import { readCode } from '../../platform/code-text.ts';
import { type CreatedBetween, createdBetween } from '../../platform/newest-first.ts';
import type { GiftCodeDatabase } from './database.ts';
import { codeGroups, codeHashes, codes } from './schema.ts';

/** The first of these that fits; see sql/code_state.sql. */
export type CodeState = 'disabled' | 'used' | 'reserved' | 'partly_used' | 'unused';

const stateOf: SQL<CodeState> = sql`code_state_1(${codes.disabled}, ${codes.redeemed}, ${codes.reserved}, ${codes.maxRedemptions})`;

export interface CodeDetails {
  id: string;
  groupId: string;
  groupName: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  position: number;
  maxRedemptions: number;
  reserved: number;
  redeemed: number;
  disabled: boolean;
  state: CodeState;
  last4: string;
  sealed: Buffer;
  sealKeyId: number;
  createdAt: Date;
}

const details = {
  id: codes.id,
  groupId: codes.groupId,
  groupName: codeGroups.name,
  amount: codeGroups.amount,
  currency: codeGroups.currency,
  position: codes.position,
  maxRedemptions: codes.maxRedemptions,
  reserved: codes.reserved,
  redeemed: codes.redeemed,
  disabled: codes.disabled,
  state: stateOf.as('state'),
  last4: codes.last4,
  sealed: codes.sealed,
  sealKeyId: codes.sealKeyId,
  createdAt: codes.createdAt,
};

export interface CodeFilter extends CreatedBetween {
  groupId: string;
  state?: CodeState | undefined;
  /** Only codes before this position of the group. */
  beforePosition?: number | undefined;
}

/** A group's codes, newest first; those in a state as `codes_of_state` finds them. */
export async function listCodes(db: GiftCodeDatabase, filter: CodeFilter, limit: number): Promise<CodeDetails[]> {
  const { groupId, state, beforePosition, createdFrom, createdTo } = filter;
  const ofState =
    state &&
    sql`${codes.id} = any(array(select codes_of_state_1(${groupId}, ${state}, ${beforePosition ?? MAX_POSITION},
      ${createdFrom?.toISOString() ?? '-infinity'}, ${createdTo?.toISOString() ?? 'infinity'}, ${limit})))`;
  return await db.orm
    .select(details)
    .from(codes)
    .innerJoin(codeGroups, eq(codeGroups.id, codes.groupId))
    .where(
      ofState ??
        and(
          eq(codes.groupId, groupId),
          createdBetween(codes.createdAt, filter),
          beforePosition === undefined ? undefined : lt(codes.position, beforePosition),
        ),
    )
    .orderBy(desc(codes.position))
    .limit(limit);
}

/** Behind all positions: the largest of Postgres' integers. */
const MAX_POSITION = 2 ** 31 - 1;

export async function readCodeDetails(db: GiftCodeDatabase, id: string): Promise<CodeDetails | undefined> {
  const [code] = await db.orm
    .select(details)
    .from(codes)
    .innerJoin(codeGroups, eq(codeGroups.id, codes.groupId))
    .where(eq(codes.id, id));
  return code;
}

/** The codes of a group in clear, from a position on, in their order. */
export async function readCodeTexts(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  groupId: string,
  firstPosition: number,
  count: number,
): Promise<{ id: string; code: string }[]> {
  const rows = await db.orm
    .select({ id: codes.id, sealed: codes.sealed, sealKeyId: codes.sealKeyId })
    .from(codes)
    .where(
      and(
        eq(codes.groupId, groupId),
        gte(codes.position, firstPosition),
        lte(codes.position, firstPosition + count - 1),
      ),
    )
    .orderBy(codes.position);
  return rows.map((row) => ({ id: row.id, code: revealCode(keys, row) }));
}

/** The id of the code with one of these look-up hashes, the first that is found. */
export async function findCode(db: GiftCodeDatabase, hashes: Buffer[]): Promise<string | undefined> {
  for (const hash of hashes) {
    const [found] = await db.orm.select({ id: codeHashes.codeId }).from(codeHashes).where(eq(codeHashes.hash, hash));
    if (found) return found.id;
  }
  return undefined;
}

/**
 * The look-up hashes of what a text may mean, under every live pepper, most likely first: a generated code by its last 16
 * characters, a given code by its whole text. None: the text cannot be a code.
 *
 * @param isGivenLength whether there are given codes of this length: only then can a text with a wrong check character,
 *   or a generated code's shape, be one of them
 */
export function codeHashCandidates(
  keys: CodeKeys,
  input: string,
  isGivenLength: (length: number) => boolean,
): Buffer[] {
  const reading = readCode(input);
  if (!reading.ok) return [];
  const { canonical, generated } = reading;
  const texts: string[] = [];
  if (isGivenLength(canonical.length)) texts.push(canonical);
  if (generated !== null && generated !== texts[0]) texts.push(generated);
  return texts.flatMap((text) => keys.peppers.map((pepper) => hashCode(pepper, text)));
}

export const revealCode = (keys: CodeKeys, code: Pick<CodeDetails, 'id' | 'sealed' | 'sealKeyId'>): string =>
  unsealCode(keys.seals, code.sealKeyId, code.id, code.sealed);

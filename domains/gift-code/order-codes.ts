import { eq } from 'drizzle-orm';
import type { GiftCodeDatabase } from './database.ts';
import type { Generation } from './read-generations.ts';
import { codeAdditions } from './schema.ts';
import { takePositions } from './take-positions.ts';

export interface CodeOrder {
  /** Of the generation. */
  id: string;
  groupId: string;
  count: number;
  /** SHA-256 of the request, which a repeat under the same id must have too. */
  requestHash: Buffer;
}

export type OrderedCodes =
  | { ok: true; replayed: boolean; generation: Generation; firstPosition: number }
  | { ok: false; reason: 'not-found' | 'group-full' | 'generation-running' | 'idempotency-key-reused' };

/**
 * Writes down that a group is to get more generated codes: a generation that runs. Whoever drives it makes them. A group
 * has one that runs at a time. @throws DatabaseUnavailable
 */
export async function orderCodes(db: GiftCodeDatabase, order: CodeOrder): Promise<OrderedCodes> {
  const known = await readOrder(db, order);
  if (known) return known;
  const firstPosition = await takePositions(db, order.groupId, order.count);
  if (typeof firstPosition === 'string') return { ok: false, reason: firstPosition };
  const generation = { state: 'running', made: 0, total: order.count } as const;
  const written = await db.orm
    .insert(codeAdditions)
    .values({ ...order, ...generation, kind: 'generated', firstPosition })
    .onConflictDoNothing()
    .returning({ id: codeAdditions.id });
  if (written.length > 0) return { ok: true, replayed: false, generation, firstPosition };
  return (await readOrder(db, order)) ?? { ok: false, reason: 'generation-running' };
}

async function readOrder(db: GiftCodeDatabase, { id, requestHash }: CodeOrder): Promise<OrderedCodes | undefined> {
  const [row] = await db.orm.select().from(codeAdditions).where(eq(codeAdditions.id, id));
  if (!row) return undefined;
  if (!row.requestHash.equals(requestHash)) return { ok: false, reason: 'idempotency-key-reused' };
  return { ok: true, replayed: true, generation: row, firstPosition: row.firstPosition };
}

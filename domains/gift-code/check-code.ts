import { callFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface CodeCheck {
  code_id: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  /** Why it could not be redeemed. */
  refusal: string | null;
}

const checkFunction = { name: 'check_code_1', types: ['bytea[]', 'timestamptz', 'uuid'] };
const TIMEOUT_MS = 10_000;

/**
 * What reserve would say about a code at a time, now where none is given. Nothing where there is no such code.
 * @throws DatabaseUnavailable
 */
export async function checkCode(
  db: GiftCodeDatabase,
  hashes: Buffer[],
  at: Date | undefined,
  walletId: string | undefined,
): Promise<CodeCheck | undefined> {
  const [check] = await callFunction<CodeCheck>(
    db.door,
    checkFunction,
    [hashes, at ?? null, walletId ?? null],
    TIMEOUT_MS,
  );
  return check;
}

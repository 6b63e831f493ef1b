import { callFunction, plainList } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import type { WalletDatabase } from './database.ts';

export interface WalletKey {
  /** E.164. */
  phone: string;
  /** ISO 4217. */
  currency: string;
  /** The id it gets if it is new. */
  id?: string;
}

const ensureFunction = { name: 'ensure_wallets_1', types: ['uuid[]', 'text[]', 'text[]'] };

/** The wallet of each phone and currency, made where there is none. @returns one per key, in order. @throws DatabaseUnavailable */
export function ensureWallets(
  db: WalletDatabase,
  keys: WalletKey[],
  timeoutMs: number,
): Promise<{ id: string; created: boolean }[]> {
  return callFunction(
    db.door,
    ensureFunction,
    [
      keys.map((key) => key.id ?? newId()),
      plainList(keys.map((key) => key.phone)),
      plainList(keys.map((key) => key.currency)),
    ],
    timeoutMs,
  );
}

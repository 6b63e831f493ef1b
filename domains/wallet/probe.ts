import { credit } from './credit.ts';
import type { WalletDatabase } from './database.ts';
import { voidCredit } from './void.ts';

/** Calls every step for nobody. @throws DatabaseUnavailable while the part cannot work */
export async function probeWallet(db: WalletDatabase, timeoutMs: number): Promise<void> {
  await credit(db, [], timeoutMs);
  await voidCredit(db, [], timeoutMs);
}

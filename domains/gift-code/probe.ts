import { confirm } from './confirm.ts';
import type { GiftCodeDatabase } from './database.ts';
import { release } from './release.ts';
import { reserve } from './reserve.ts';

/** Calls every step for nobody. @throws DatabaseUnavailable while the part cannot work */
export async function probeGiftCode(db: GiftCodeDatabase, timeoutMs: number): Promise<void> {
  await reserve(db, [], 'probe', timeoutMs);
  await confirm(db, [], 'probe', timeoutMs);
  await release(db, [], 'probe', timeoutMs);
}

import { callFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { RedemptionRow } from './redemption.ts';

const readFunction = { name: 'read_redemptions_1', types: ['uuid[]'] };

/** Reads redemptions by id; those without a row are left out. @throws DatabaseUnavailable */
export function readRedemptions(db: GiftCodeDatabase, ids: string[], timeoutMs: number): Promise<RedemptionRow[]> {
  return callFunction<RedemptionRow>(db.door, readFunction, [ids], timeoutMs);
}

import { callFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';
import type { StaleRedemption } from './stale-redemptions.ts';

const ANNOUNCE_STUCK = { name: 'announce_stuck_1', types: ['uuid[]'] };
const TIMEOUT_MS = 30_000;

/** Writes an event for each redemption that is stuck, once. @throws DatabaseUnavailable */
export async function announceStuck(db: GiftCodeDatabase, stale: StaleRedemption[]): Promise<void> {
  await callFunction(db.reads, ANNOUNCE_STUCK, [stale.map((one) => one.id)], TIMEOUT_MS);
}

import { callFunction } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface DoorItem {
  redemptionId: string;
  /** Look-up hashes of what the text may mean, most likely first. */
  hashes: Buffer[];
}

export interface DoorFinding {
  /** The database's clock: when windows are judged. */
  at: Date;
  /** The state of the redemption's row, where there is one: the request is a repeat. */
  known_state: string | null;
  code_id: string | null;
  group_id: string | null;
  currency: string | null;
  /** Why the code cannot be redeemed now. */
  refusal: string | null;
  /** The code's group has a limit per wallet. */
  is_limited: boolean;
}

const doorFunction = { name: 'door_2', types: ['uuid[]', 'bytea[]', 'integer[]'] };

/** Looks up what a redemption needs before it is accepted. @returns one finding per item, in order. @throws DatabaseUnavailable */
export function door(db: GiftCodeDatabase, items: DoorItem[], timeoutMs: number): Promise<DoorFinding[]> {
  const ids = items.map((item) => item.redemptionId);
  const hashes = items.flatMap((item) => item.hashes);
  const hashItems = items.flatMap((item, index) => item.hashes.map(() => index + 1));
  return callFunction<DoorFinding>(db.door, doorFunction, [ids, hashes, hashItems], timeoutMs);
}

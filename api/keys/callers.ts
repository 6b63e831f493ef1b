import { timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { GatewayDatabase } from '../../domains/gateway/database.ts';
import { findKeyHolders, type KeyHolder } from '../../domains/gateway/find-key-holders.ts';
import { batched } from '../../platform/batched.ts';
import type { Caller } from '../operation.ts';
import { allows } from '../scopes.ts';
import { hashKey } from './key-text.ts';

export interface Callers {
  /**
   * Who holds a key; nobody, for one that is not live. At once where that is known.
   * @throws DatabaseUnavailable for a key that cannot be checked
   */
  of(key: string): Caller | undefined | Promise<Caller | undefined>;
  /** A key was revoked here: it stops at once in this process, and in the others when they check it again. */
  forget(keyId: string): void;
}

/** How long an answer of the database holds: a key revoked elsewhere stops within this. */
const CHECKED_EVERY_MS = 1_000;
/** How long a key that was live goes on while the database does not answer. */
const TRUSTED_FOR_MS = 60_000;
const TIMEOUT_MS = 1_000;
const REMEMBERED = 10_000;

interface Known {
  caller: Caller;
  checkAgainAt: number;
  trustedUntil: number;
}

/**
 * Tells callers by their keys. Keys are looked up by their SHA-256, which a guess cannot approach byte by byte; those that
 * are live are remembered, unknown ones are not, so that a new key works everywhere at once. The admin's is the
 * configuration's and needs no database.
 */
export function createCallers(gateway: GatewayDatabase, adminKey: string, adminClientId: string): Callers {
  const adminHash = hashKey(adminKey);
  const admin = callerOf({ clientId: adminClientId, keyId: null, scopes: ['*'] });
  const find = batched<Buffer, KeyHolder | undefined>((hashes) => findKeyHolders(gateway, hashes, TIMEOUT_MS), {
    max: 256,
    inFlight: 1,
  });
  const known = new LRUCache<string, Known>({ max: REMEMBERED });
  const checks = new Map<string, Promise<Caller | undefined>>();
  // The same key comes with each request of a client.
  const hashes = new LRUCache<string, Buffer>({ max: REMEMBERED });
  const hashOf = (key: string): Buffer => {
    const known = hashes.get(key);
    if (known) return known;
    const hash = hashKey(key);
    hashes.set(key, hash);
    return hash;
  };
  let revocations = 0;

  const check = async (hash: Buffer, name: string): Promise<Caller | undefined> => {
    const revocationsBefore = revocations;
    try {
      const holder = await find(hash);
      const caller = holder && callerOf(holder);
      const now = performance.now();
      // What was read before a revocation is not to be remembered after it.
      if (!caller) known.delete(name);
      else if (revocations === revocationsBefore) {
        known.set(name, { caller, checkAgainAt: now + CHECKED_EVERY_MS, trustedUntil: now + TRUSTED_FOR_MS });
      }
      return caller;
    } catch (error) {
      const last = known.get(name);
      const now = performance.now();
      if (!last || now >= last.trustedUntil) throw error;
      last.checkAgainAt = now + CHECKED_EVERY_MS;
      return last.caller;
    }
  };

  return {
    of(key) {
      const hash = hashOf(key);
      if (timingSafeEqual(hash, adminHash)) return admin;
      const name = hash.toString('base64');
      const last = known.get(name);
      if (last && performance.now() < last.checkAgainAt) return last.caller;
      const underWay = checks.get(name);
      if (underWay) return underWay;
      const checking = check(hash, name).finally(() => checks.delete(name));
      checks.set(name, checking);
      return checking;
    },
    forget(keyId) {
      revocations++;
      for (const [name, { caller }] of known.entries()) if (caller.keyId === keyId) known.delete(name);
      checks.clear();
    },
  };
}

const callerOf = ({ clientId, keyId, scopes }: Omit<KeyHolder, 'keyId'> & { keyId: string | null }): Caller => ({
  clientId,
  keyId,
  may: (scope) => allows(scopes, scope),
});

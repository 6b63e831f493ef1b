import { LRUCache } from 'lru-cache';
import type { GuessLimit } from '../../platform/config.ts';

export interface Lockouts {
  /** Counts a wrong guess of a subject. @returns whether it is locked out for it */
  count(subject: string, limit: GuessLimit, nowMs: number): boolean;
  /** How much longer a subject is locked out; 0 where it is not. Milliseconds. */
  remainingMs(subject: string, nowMs: number): number;
}

interface Account {
  /** Wrong guesses that are not forgiven yet, as of `at`. */
  level: number;
  at: number;
  /** Lock-outs since the level was last nought. */
  lockouts: number;
  lockedUntil: number;
}

/** Subjects of one kind: who sends many phones pushes out other phones, and never the account of their own address. */
const REMEMBERED = 100_000;

/**
 * Who of one kind (phones, say) has guessed wrong, and how long each is locked out for it: a leaky bucket, where each guess
 * that does not fit locks out for twice as long as the one before. Nothing but numbers in memory, so that an honest request
 * pays a look-up in a map.
 */
export function createLockouts(): Lockouts {
  const accounts = new LRUCache<string, Account>({ max: REMEMBERED });
  return {
    count(subject, { allowance, forgivenEveryMs, firstMs, longestMs }, nowMs) {
      const account = accounts.get(subject) ?? { level: 0, at: nowMs, lockouts: 0, lockedUntil: 0 };
      const level = Math.max(0, account.level - Math.max(0, nowMs - account.at) / forgivenEveryMs);
      if (level === 0) account.lockouts = 0;
      account.level = level + 1;
      account.at = nowMs;
      // One made before the lock-out was known, in the same burst, say, does not make it longer.
      const isLockedOut = account.level > allowance && nowMs >= account.lockedUntil;
      if (isLockedOut) {
        account.lockedUntil = nowMs + Math.min(longestMs, firstMs * 2 ** account.lockouts);
        account.lockouts++;
      }
      accounts.set(subject, account);
      return isLockedOut;
    },
    remainingMs: (subject, nowMs) => Math.max(0, (accounts.peek(subject)?.lockedUntil ?? 0) - nowMs),
  };
}

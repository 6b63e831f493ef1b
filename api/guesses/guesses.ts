import { isIPv6 } from 'node:net';
import type { Redis } from 'ioredis';
import ipaddr from 'ipaddr.js';
import type { Config } from '../../platform/config.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { Problem, type ProblemCode } from '../../platform/problems.ts';
import { createLockouts } from './lockouts.ts';
import { type SharedGuesses, shareGuesses } from './shared-guesses.ts';

/** Who sends a code. */
export interface Guesser {
  clientId: string;
  /** The address that the request came from. */
  address: string;
  /** E.164; known once the request is read. */
  phone?: string | undefined;
}

export interface Guesses {
  /** @throws Problem `too-many-attempts` while the phone, the address or the client is locked out */
  assertAllowed(guesser: Guesser): void;
  /** Counts an answer that says the code is wrong. Any other is none of this one's business. */
  count(guesser: Guesser, answered: ProblemCode): void;
  close(): Promise<void>;
}

/**
 * Protection against guessing codes: wrong ones are counted by phone, by address and by API client, and too many of them
 * lock out. A code whose check character is wrong is a slip of the finger and no guess: whoever guesses gets it right, so
 * it counts for the phone alone. Redis shares the counts; see docs/adr/0009.
 */
export function createGuesses(limits: Config['guesses'], redis: Redis | null, metrics: Metrics): Guesses {
  const lockouts = { phone: createLockouts(), address: createLockouts(), client: createLockouts() };
  // There before it happens, as those of steps are.
  for (const subject of Object.keys(lockouts)) metrics.lockouts.inc({ subject }, 0);
  const now = () => performance.now();
  /** @returns the kinds of what is locked out for it */
  const countAt = (subjects: string[], nowMs: number) => {
    const lockedOut: (keyof typeof limits)[] = [];
    for (const subject of subjects) {
      const kind = kindOf(subject);
      if (kind in limits && lockouts[kind].count(subject, limits[kind], nowMs)) lockedOut.push(kind);
    }
    return lockedOut;
  };
  const shared: SharedGuesses | null = redis
    ? shareGuesses(redis, (subjects, agoMs) => countAt(subjects, now() - agoMs))
    : null;

  return {
    assertAllowed(guesser) {
      const nowMs = now();
      const remainingMs = Math.max(
        ...subjectsOf(guesser).map((subject) => lockouts[kindOf(subject)].remainingMs(subject, nowMs)),
      );
      if (remainingMs === 0) return;
      throw new Problem('too-many-attempts', { headers: { 'Retry-After': String(Math.ceil(remainingMs / 1_000)) } });
    },
    count(guesser, answered) {
      if (answered !== 'code-not-found' && answered !== 'code-malformed') return;
      const subjects = subjectsOf(guesser).filter(
        (subject) => answered === 'code-not-found' || subject.startsWith('phone:'),
      );
      metrics.wrongCodes.inc({ reason: answered });
      // Those that other gateways tell of are counted there.
      for (const subject of countAt(subjects, now())) metrics.lockouts.inc({ subject });
      if (subjects.length > 0) shared?.tell(subjects);
    },
    close: async () => await shared?.close(),
  };
}

const kindOf = (subject: string) => subject.slice(0, subject.indexOf(':')) as keyof Config['guesses'];

function subjectsOf({ clientId, address, phone }: Guesser): string[] {
  return [`client:${clientId}`, `address:${network(address)}`, ...(phone === undefined ? [] : [`phone:${phone}`])];
}

/** An IPv4 address; of IPv6 the first 64 bits, since a household or a server has all the rest. */
function network(address: string): string {
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  return plain.includes(':') && isIPv6(plain) ? String(ipaddr.IPv6.networkAddressFromCIDR(`${plain}/64`)) : plain;
}

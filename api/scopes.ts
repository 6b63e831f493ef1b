import { z } from 'zod';

/** What a key may be allowed, as docs/keys.md explains it. */
export const SCOPES = [
  'redemptions:read',
  'redemptions:write',
  'groups:read',
  'groups:write',
  'codes:reveal',
  'wallets:read',
  'wallets:write',
  'ops:read',
  'ops:write',
  '*',
] as const;

export type Scope = (typeof SCOPES)[number];

/**
 * Whether who holds these scopes may do what needs another. `*` is all of them, and to write is to read as well, but for
 * redemptions: a till that redeems reads what it made itself, and nothing of others.
 */
export function allows(held: readonly string[], needed: Scope): boolean {
  if (held.includes('*') || held.includes(needed)) return true;
  return needed.endsWith(':read') && needed !== 'redemptions:read' && held.includes(needed.replace(':read', ':write'));
}

/** A list of scopes in a request: at least one, each once, in the order above. */
export const scopeList = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .transform((scopes) => SCOPES.filter((scope) => scopes.includes(scope)));

import { hash, randomBytes } from 'node:crypto';
import type { NewKey } from '../../domains/gateway/create-key.ts';

/** A new key of 192 random bits: its text, to be shown once, and what is kept of it. */
export function newKeyText(id: string): NewKey & { text: string } {
  const text = `vs_${randomBytes(24).toString('base64url')}`;
  return { id, text, hash: hashKey(text), last4: text.slice(-4) };
}

export const hashKey = (text: string): Buffer => hash('sha256', text, 'buffer');

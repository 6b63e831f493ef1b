import { plainText } from './plain-text.ts';

/** Crockford's base 32: the digits and letters without I, L, O and U. https://www.crockford.com/base32.html */
export const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Characters of a generated code: 15 random ones (75 bits), then a check character. */
export const GENERATED_LENGTH = 16;

/** Longest text read as a code, its prefix included, so that a prefix may have 16 characters at most. */
export const MAX_CODE_LENGTH = 32;

/** Shortest code that may be given instead of generated. */
const MIN_CODE_LENGTH = 4;

/** Longest input looked at: room for a separator between any two characters of a code. */
const MAX_INPUT_LENGTH = 128;

export type CodeReading =
  | {
      ok: true;
      /** The normalised text, A–Z and 0–9, as a given code is shown. */
      text: string;
      /** The text folded: what the look-up hash of a given code is taken of. */
      canonical: string;
      /** The last 16 characters, folded, if their check character holds: what the hash of a generated code is taken of. */
      generated: string | null;
    }
  | { ok: false };

/**
 * Makes a code: 16 characters of the alphabet, without dashes or prefix.
 *
 * The check character is c₁₅ = Σ gⁱ·dᵢ over GF(32), where g generates the field's multiplicative group and the weights,
 * powers 1 to 15 for the random characters and 0 for the check character, are distinct and not zero. So
 * - one wrong character is always caught: it changes the sum by weight × difference, neither of them zero;
 * - two characters in each other's places, neighbours or not, are always caught: that changes the sum by
 *   (difference of the weights) × (difference of the characters), neither of them zero.
 *
 * @param randomBytes a cryptographic source; 256 is a multiple of 32, so five bits of a byte are uniform
 */
export function generateCodeText(randomBytes: (count: number) => Uint8Array): string {
  let random = '';
  for (const byte of randomBytes(GENERATED_LENGTH - 1)) random += ALPHABET[byte & 31];
  return random + checkCharacter(random);
}

/** A generated code as people see it: `EID-XXXX-XXXX-XXXX-XXXX`, or without a prefix `XXXX-XXXX-XXXX-XXXX`. */
export function formatCode(canonical: string, prefix?: string | null): string {
  const text = `${canonical.slice(0, 4)}-${canonical.slice(4, 8)}-${canonical.slice(8, 12)}-${canonical.slice(12, 16)}`;
  return prefix ? `${prefix}-${text}` : text;
}

/**
 * Reads a code as people type it: any case, white space, dashes and underscores anywhere, digits and letters of other
 * widths and scripts. Not ok is what cannot be a code: other characters, fewer than 4 or more than 32.
 *
 * A code is looked up by `generated` where there is one, else by `canonical`. A given code of 16 characters or more has
 * a fitting check character by chance once in 32 times: where given codes that long exist, look up both.
 */
export function readCode(input: string): CodeReading {
  if (input.length > MAX_INPUT_LENGTH) return { ok: false };
  const text = plainText(input).replace(/[\s_\p{Pd}\u2212]/gu, '');
  // Before upper-casing, which would make letters out of others: ß to SS.
  if (!/^[A-Za-z0-9]+$/.test(text)) return { ok: false };
  if (text.length < MIN_CODE_LENGTH || text.length > MAX_CODE_LENGTH) return { ok: false };
  const upper = text.toUpperCase();
  const canonical = foldCode(upper);
  return { ok: true, text: upper, canonical, generated: generatedPart(canonical) };
}

/** Makes characters one that people take for one another: O is 0, I and L are 1. Codes equal after folding are one code. */
export function foldCode(text: string): string {
  return text.replaceAll('O', '0').replace(/[IL]/g, '1');
}

/** The last 16 characters of a folded text, if their check character holds: then they may be a generated code. */
export function generatedPart(canonical: string): string | null {
  const tail = canonical.slice(-GENERATED_LENGTH);
  if (tail.length !== GENERATED_LENGTH || tail.includes('U')) return null;
  return checkCharacter(tail.slice(0, -1)) === tail.at(-1) ? tail : null;
}

/** The weighted sum in Horner's form: the last character is multiplied by g once, the one before it twice, and so on. */
function checkCharacter(text: string): string {
  let sum = 0;
  for (const character of text) sum = timesGenerator(sum ^ ALPHABET.indexOf(character));
  return ALPHABET.charAt(sum);
}

/** Multiplication by g = x in GF(2)[x] / (x⁵ + x² + 1); the polynomial is primitive, so x has order 31. */
function timesGenerator(element: number): number {
  return element & 16 ? (element << 1) ^ 0b100101 : element << 1;
}

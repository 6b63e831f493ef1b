import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';
import { plainText } from './plain-text.ts';

export type PhoneReading = { ok: true; e164: string } | { ok: false; detail: string };

/** Longest input looked at: 15 digits of E.164 with room for separators. */
const MAX_INPUT_LENGTH = 64;

/**
 * Reads a phone number as people write it into E.164, and checks its length against its country's numbering plan.
 * A leading space before digits is a plus that was lost in a URL.
 *
 * @param region ISO 3166 code of the country whose national numbers are read too; without it `+` is required
 * @throws RangeError when the region is unknown: a mistake of configuration
 */
export function readPhone(input: string, region?: string | undefined): PhoneReading {
  if (region !== undefined && !isSupportedCountry(region)) throw new RangeError(`unknown region ${region}`);
  if (input.length > MAX_INPUT_LENGTH) return refused('is too long for a phone number');
  const plain = plainText(input);
  const text = /^\s[1-9]\d+$/.test(plain) ? `+${plain.trim()}` : plain.trim();
  // Letters and signs that would start an extension are not read: a wallet belongs to a number, not to a desk.
  if (!/^[+(]?[\d\s\p{Pd}\u2212()./]+$/u.test(text))
    return refused('must be a phone number of digits, without extension');
  const isNational = !text.startsWith('+');
  if (isNational && region === undefined) return refused('must start with + and the country code');
  const number = parsePhoneNumberFromString(text, { extract: false, ...(region && { defaultCountry: region }) });
  // Possible, not valid: numbering plans gain ranges faster than metadata is updated.
  if (!number?.isPossible() || number.ext) return refused('is not a possible phone number');
  return { ok: true, e164: number.number };
}

function refused(detail: string): PhoneReading {
  return { ok: false, detail };
}

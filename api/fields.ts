import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { isUuid } from '../platform/ids.ts';
import { isCurrency, MAX_AMOUNT } from '../platform/money.ts';
import { readPhone } from '../platform/phone.ts';

/** The largest integer of a counter column. */
export const MAX_INTEGER = 2_147_483_647;

/** Text that Postgres and every terminal can hold: no control characters, no lone surrogates. Trimmed. */
export const text = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((value) => !/\p{Cc}/u.test(value) && value.isWellFormed(), 'must not contain control or half characters');

/** A client's own reference or note: kept as it is. */
export const label = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !/\p{Cc}/u.test(value) && value.isWellFormed(), 'must not contain control or half characters');

export const id = z
  .string()
  .refine(isUuid, 'must be a UUID')
  .transform((value) => value.toLowerCase());

export const currency = z.string().refine(isCurrency, 'must be an ISO 4217 code, such as USD');

/** Money in minor units, from 1. */
export const money = z.strictObject({
  value: z
    .int()
    .min(1)
    .max(Number(MAX_AMOUNT))
    .transform((value) => BigInt(value)),
  currency,
});

/** Customers who come again: reading their numbers is a tenth of a repeated request. */
const KNOWN_PHONES = 10_000;

/** A phone number, read into E.164. */
export const phone = (region: string | undefined) => {
  const known = new LRUCache<string, string>({ max: KNOWN_PHONES });
  return z.string().transform((value, context) => {
    const e164 = known.get(value);
    if (e164 !== undefined) return e164;
    const reading = readPhone(value, region);
    if (!reading.ok) {
      context.addIssue({ code: 'custom', message: reading.detail });
      return z.NEVER;
    }
    // Mostly it is E.164 already: then one text is kept.
    const read = reading.e164 === value ? value : reading.e164;
    known.set(value, read);
    return read;
  });
};

/** A time with an offset, RFC 3339, of years that every database takes. */
export const time = z.iso
  .datetime({ offset: true, message: 'must be a time with an offset, such as 2026-01-31T08:00:00Z' })
  .transform((value) => new Date(value))
  .refine(
    (value) => value.getUTCFullYear() >= 1970 && value.getUTCFullYear() < 10_000,
    'must be of the years 1970 to 9999',
  );

const LISTED = 50;
const MOST_LISTED = 200;
const LIMIT_MESSAGE = `must be 1 to ${MOST_LISTED}`;

/** The query of every list; those with filters of their own extend it. */
export const listQuery = z
  .strictObject({
    limit: z
      .preprocess(
        (value) => (/^\d{1,3}$/.test(String(value)) ? Number(value) : undefined),
        z.int(LIMIT_MESSAGE).min(1, LIMIT_MESSAGE).max(MOST_LISTED, LIMIT_MESSAGE),
      )
      .default(LISTED)
      .meta({ type: 'integer', minimum: 1, maximum: MOST_LISTED, description: `${LISTED} where it is left out` }),
    cursor: z.string().max(500).optional(),
    created_from: time.optional(),
    created_to: time.optional(),
  })
  .refine(({ created_from: from, created_to: to }) => isForward(from, to), {
    path: ['created_to'],
    message: 'must not be before created_from',
  });

/** Whether a range of times, each of which may be open, does not end before it begins. */
export function isForward(from: Date | undefined, to: Date | undefined): boolean {
  return !from || !to || from <= to;
}

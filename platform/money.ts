import { CURRENCIES } from './currencies.ts';

/** Money in JSON. */
export type Money = {
  /** Minor units; a safe integer. Inside, amounts are bigint. */
  value: number;
  /** ISO 4217 code. */
  currency: string;
};

/** The largest amount or balance, in minor units: the largest integer that JSON's readers keep exactly. */
export const MAX_AMOUNT = 2n ** 53n - 1n;

export type AmountReading = { ok: true; value: bigint } | { ok: false; detail: string };

export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code);
}

/** Digits after the point: 2 for USD, 0 for JPY, 3 for KWD. @throws RangeError for an unknown currency */
export function decimalsOf(currency: string): number {
  const decimals = CURRENCIES.get(currency);
  if (decimals === undefined) throw new RangeError(`unknown currency ${currency}`);
  return decimals;
}

/** @param value minor units, within `MAX_AMOUNT` */
export function toMoney(value: bigint, currency: string): Money {
  if (value > MAX_AMOUNT || value < -MAX_AMOUNT) throw new RangeError(`${value} is not a safe integer`);
  return { value: Number(value), currency };
}

/**
 * Reads a decimal amount, such as `10.00` or `10` USD, into minor units: 1 to `MAX_AMOUNT`. Signs, exponents, blanks,
 * separators of thousands and more decimals than the currency has are refused, so nothing is ever rounded.
 */
export function parseDecimalAmount(text: string, currency: string): AmountReading {
  const decimals = CURRENCIES.get(currency);
  if (decimals === undefined) return refused(`unknown currency ${currency}`);
  const match = /^(0|[1-9]\d{0,15})(?:\.(\d{1,20}))?$/.exec(text);
  if (!match) return refused(`must be an amount such as ${formatAmount(10n ** BigInt(decimals + 1), currency)}`);
  const [, whole = '', fraction = ''] = match;
  if (fraction.length > decimals) return refused(`${currency} has ${decimals || 'no'} decimals`);
  const value = BigInt(whole + fraction.padEnd(decimals, '0'));
  if (value === 0n) return refused('must be more than 0');
  if (value > MAX_AMOUNT) return refused(`must be at most ${formatAmount(MAX_AMOUNT, currency)}`);
  return { ok: true, value };
}

/** Minor units as a decimal with all the currency's digits: 1000 USD is `10.00`, 1000 JPY is `1000`. */
export function formatAmount(value: bigint | number, currency: string): string {
  const decimals = decimalsOf(currency);
  const minor = BigInt(value);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const sign = minor < 0n ? '-' : '';
  return sign + digits.slice(0, point) + (decimals ? `.${digits.slice(point)}` : '');
}

function refused(detail: string): AmountReading {
  return { ok: false, detail };
}

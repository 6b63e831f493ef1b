import { describe, expect, test } from 'vitest';
import { CURRENCIES } from './currencies.ts';
import { decimalsOf, formatAmount, isCurrency, MAX_AMOUNT, parseDecimalAmount, toMoney } from './money.ts';

describe('the table of currencies', () => {
  test.each([
    ['USD', 2],
    ['EUR', 2],
    ['IRR', 2],
    ['JPY', 0],
    ['KRW', 0],
    ['VND', 0],
    ['ISK', 0],
    ['UGX', 0],
    ['XOF', 0],
    ['KWD', 3],
    ['IQD', 3],
    ['TND', 3],
    ['CLF', 4],
    ['UYW', 4],
    ['UYI', 0],
    ['MGA', 2],
    ['MRU', 2],
    ['HUF', 2],
  ])('gives %s %i decimals', (currency, decimals) => {
    expect(decimalsOf(currency)).toBe(decimals);
  });

  test.each(['XAU', 'XAG', 'XDR', 'XTS', 'XXX', 'XSU', 'XUA', 'ANG', 'HRK', 'ZWL', 'usd', 'BTC', ''])(
    'does not know %j: no amount is in it',
    (currency) => {
      expect(isCurrency(currency)).toBe(false);
      expect(() => formatAmount(1, currency)).toThrow(RangeError);
      expect(parseDecimalAmount('1', currency).ok).toBe(false);
    },
  );

  test('has each code once, three capital letters', () => {
    expect(CURRENCIES.size).toBe(165);
    for (const code of CURRENCIES.keys()) expect(code).toMatch(/^[A-Z]{3}$/);
  });
});

describe('a decimal amount', () => {
  test.each([
    ['10.00', 'USD', 1000n],
    ['10', 'USD', 1000n],
    ['10.5', 'USD', 1050n],
    ['0.01', 'USD', 1n],
    ['500', 'JPY', 500n],
    ['1.234', 'KWD', 1234n],
    ['0.0001', 'CLF', 1n],
    ['90071992547409.91', 'USD', MAX_AMOUNT],
    ['9007199254740991', 'JPY', MAX_AMOUNT],
  ])('%s %s is %i minor units', (text, currency, value) => {
    expect(parseDecimalAmount(text, currency)).toEqual({ ok: true, value });
  });

  test.each([
    '',
    ' ',
    ' 10',
    '10 ',
    '+10',
    '-10',
    '1e3',
    '0x10',
    '10.',
    '.5',
    '1,000',
    '1_000',
    '1.000.000',
    '10.001',
    '10.000',
    '007',
    '0',
    '0.00',
    'NaN',
    'Infinity',
    '١٠',
    '90071992547409.92',
    '99999999999999999999',
  ])('%j USD is refused, never rounded', (text) => {
    expect(parseDecimalAmount(text, 'USD')).toMatchObject({ ok: false });
  });

  test('of any length is refused without counting it', () => {
    expect(parseDecimalAmount(`1${'0'.repeat(1e6)}`, 'USD').ok).toBe(false);
  });

  test('says why it is refused', () => {
    expect(parseDecimalAmount('10.5', 'JPY')).toEqual({ ok: false, detail: 'JPY has no decimals' });
    expect(parseDecimalAmount('10.005', 'USD')).toEqual({ ok: false, detail: 'USD has 2 decimals' });
    expect(parseDecimalAmount('ten', 'USD')).toEqual({ ok: false, detail: 'must be an amount such as 10.00' });
    expect(parseDecimalAmount('0', 'USD')).toEqual({ ok: false, detail: 'must be more than 0' });
    expect(parseDecimalAmount('90071992547409.92', 'USD')).toEqual({
      ok: false,
      detail: 'must be at most 90071992547409.91',
    });
  });

  test('is shown with all its decimals, and reads back as itself', () => {
    expect(formatAmount(1000n, 'USD')).toBe('10.00');
    expect(formatAmount(5, 'USD')).toBe('0.05');
    expect(formatAmount(0, 'KWD')).toBe('0.000');
    expect(formatAmount(1000, 'JPY')).toBe('1000');
    expect(formatAmount(-1050, 'USD')).toBe('-10.50');
    for (const currency of CURRENCIES.keys()) {
      for (const value of [1n, 10n, 12345n, MAX_AMOUNT]) {
        expect(parseDecimalAmount(formatAmount(value, currency), currency)).toEqual({ ok: true, value });
      }
    }
  });
});

test('money in JSON is exact or not at all', () => {
  expect(toMoney(MAX_AMOUNT, 'USD')).toEqual({ value: Number.MAX_SAFE_INTEGER, currency: 'USD' });
  expect(() => toMoney(MAX_AMOUNT + 1n, 'USD')).toThrow(RangeError);
});

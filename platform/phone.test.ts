import { describe, expect, test } from 'vitest';
import { readPhone } from './phone.ts';

const mobile = { ok: true, e164: '+989121234567' };

test.each([
  '+989121234567',
  '+98 912 123 4567',
  ' +98-912-123-4567 ',
  '+98 (912) 123.45.67',
  '+98 0912 123 4567',
  '+۹۸۹۱۲۱۲۳۴۵۶۷',
  '+٩٨٩١٢١٢٣٤٥٦٧',
  '＋９８９１２１２３４５６７',
  '\u202a+98 912 123 4567\u202c',
  ' 989121234567',
])('%j is one and the same number', (input) => {
  expect(readPhone(input)).toEqual(mobile);
});

test('a number of a range that is not assigned yet is read, since numbering plans grow', () => {
  expect(readPhone('+1 555 123 4567')).toEqual({ ok: true, e164: '+15551234567' });
});

describe('national numbers', () => {
  test('are read where a region is set', () => {
    expect(readPhone('0912 123 4567', 'IR')).toEqual(mobile);
    expect(readPhone('۰۹۱۲۱۲۳۴۵۶۷', 'IR')).toEqual(mobile);
    expect(readPhone(' 09121234567', 'IR')).toEqual(mobile);
    expect(readPhone('00989121234567', 'IR')).toEqual(mobile);
    expect(readPhone('(212) 555-2368', 'US')).toEqual({ ok: true, e164: '+12125552368' });
  });

  test('are refused where none is, as nobody can know the country', () => {
    expect(readPhone('09121234567')).toEqual({ ok: false, detail: 'must start with + and the country code' });
  });

  test('of another country still need its code', () => {
    expect(readPhone('+442079460958', 'IR')).toEqual({ ok: true, e164: '+442079460958' });
  });
});

test.each([
  '',
  ' ',
  '+',
  'hello',
  '+98912123456',
  '+98912123456789',
  '+999123456789',
  '+989121234567 ext. 5',
  '+989121234567x5',
  '+989121234567#5',
  '+989121234567;ext=5',
  'tel:+989121234567',
  '+98912CALLNOW',
  '++989121234567',
  '+98+9121234567',
  '+989121234567\0',
  '+989121234567 +989121234568',
  '+9'.repeat(100),
])('%j is refused', (input) => {
  expect(readPhone(input)).toMatchObject({ ok: false });
  expect(readPhone(input, 'IR')).toMatchObject({ ok: false });
});

test('a region that does not exist is a mistake of configuration, not of the customer', () => {
  expect(() => readPhone('+989121234567', 'XX')).toThrow(RangeError);
});

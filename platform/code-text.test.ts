import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALPHABET, foldCode, formatCode, generateCodeText, readCode } from './code-text.ts';

const codes = Array.from({ length: 50 }, () => generateCodeText(randomBytes));

function generatedPart(input: string): string | null | undefined {
  const reading = readCode(input);
  return reading.ok ? reading.generated : undefined;
}

describe('a generated code', () => {
  test('has 16 characters of the alphabet and reads as itself', () => {
    for (const code of codes) {
      expect(code).toMatch(new RegExp(`^[${ALPHABET}]{16}$`));
      expect(readCode(code)).toEqual({ ok: true, text: code, canonical: code, generated: code });
    }
  });

  test('carries 75 random bits: every character of the source shows', () => {
    const first = generateCodeText((count) => new Uint8Array(count));
    for (let index = 0; index < 15; index++) {
      for (let bit = 0; bit < 5; bit++) {
        const other = generateCodeText((count) => new Uint8Array(count).fill(1 << bit, index, index + 1));
        expect(other.slice(0, 15)).not.toBe(first.slice(0, 15));
      }
    }
  });

  test('with one wrong character is never taken for a code, wherever and whichever it is', () => {
    for (const code of codes) {
      for (let index = 0; index < 16; index++) {
        for (const wrong of `${ALPHABET}U`) {
          if (wrong === code[index]) continue;
          expect(generatedPart(code.slice(0, index) + wrong + code.slice(index + 1))).toBeNull();
        }
      }
    }
  });

  test('with two characters swapped is never taken for a code, neighbours or not', () => {
    for (const code of codes) {
      for (let left = 0; left < 15; left++) {
        for (let right = left + 1; right < 16; right++) {
          if (code[left] === code[right]) continue;
          const swapped = [...code];
          swapped[left] = code.charAt(right);
          swapped[right] = code.charAt(left);
          expect(generatedPart(swapped.join(''))).toBeNull();
        }
      }
    }
  });

  test('is shown in groups of four behind its prefix, and reads with and without it', () => {
    const [code = ''] = codes;
    expect(formatCode('0123456789ABCDEF')).toBe('0123-4567-89AB-CDEF');
    expect(formatCode('0123456789ABCDEF', 'EID')).toBe('EID-0123-4567-89AB-CDEF');
    for (const prefix of [undefined, null, '', 'EID', 'LUNAR2026', 'SIXTEENLETTERSXX']) {
      expect(generatedPart(formatCode(code, prefix))).toBe(code);
    }
  });
});

describe('reading is kind to', () => {
  const code = generateCodeText((count) => Uint8Array.from({ length: count }, (_, index) => index % 3));

  test.each([
    ['lower case', code.toLowerCase()],
    ['spaces and line ends', ` ${code.slice(0, 4)} ${code.slice(4)}\r\n`],
    ['dashes of any kind', [...code].join('–').replace('–', '—').replace('–', '−').replace('–', '‑')],
    ['underscores', `EID_${code}`],
    ['O for 0, I and L for 1', code.replaceAll('0', 'O').replace('1', 'I').replace('1', 'l').replaceAll('1', 'i')],
    ['Persian digits', code.replace(/\d/g, (digit) => '۰۱۲۳۴۵۶۷۸۹'.charAt(Number(digit)))],
    ['Arabic digits', code.replace(/\d/g, (digit) => '٠١٢٣٤٥٦٧٨٩'.charAt(Number(digit)))],
    ['full-width forms', code.replace(/./g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0))],
    ['direction marks of a messenger', `\u202a${code}\u202c`],
  ])('%s', (_, input) => {
    expect(generatedPart(input)).toBe(code);
  });
});

describe('a given code', () => {
  test('keeps its letters for show and folds for the look-up', () => {
    expect(readCode('Welcome-2026')).toEqual({
      ok: true,
      text: 'WELCOME2026',
      canonical: 'WE1C0ME2026',
      generated: null,
    });
  });

  test('keeps its U, which Crockford leaves out', () => {
    expect(readCode('bonus')).toMatchObject({ text: 'BONUS', canonical: 'B0NUS' });
  });

  test('is one with all that look like it', () => {
    expect(foldCode('OIL')).toBe(foldCode('011'));
    expect(foldCode('OIL')).toBe(foldCode('0L1'));
  });

  test('has 4 to 32 characters, separators not counted', () => {
    expect(readCode('A-B-C').ok).toBe(false);
    expect(readCode('A-B-C-D').ok).toBe(true);
    expect(readCode('A '.repeat(32)).ok).toBe(true);
    expect(readCode('A'.repeat(33)).ok).toBe(false);
  });
});

test.each(['', '   ', 'ABCD\0EFG', 'CODE🎁CODE', '1️⃣234', 'STRAßE', 'سلام۱۲۳۴', 'ABCD;EFGH', "' OR 1=1"])(
  '%j is not a code',
  (input) => {
    expect(readCode(input)).toEqual({ ok: false });
  },
);

test('a text of any length is refused without normalising it', () => {
  expect(readCode('-'.repeat(1e6))).toEqual({ ok: false });
});

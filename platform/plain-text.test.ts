import { expect, test } from 'vitest';
import { plainText } from './plain-text.ts';

test('digits of other scripts are the digits they show', () => {
  expect(plainText('۰۱۲۳۴۵۶۷۸۹')).toBe('0123456789');
  expect(plainText('٠١٢٣٤٥٦٧٨٩')).toBe('0123456789');
  expect(plainText('０１２３４５６７８９')).toBe('0123456789');
});

test('full-width letters and signs are plain ones', () => {
  expect(plainText('ＡＢｃ＋－')).toBe('ABc+-');
});

test('marks that messengers leave in copied text are gone', () => {
  expect(plainText('\u202a+98\u200c912\u00ad1\u202c\ufeff')).toBe('+989121');
});

test('control characters stay, for the caller to refuse', () => {
  expect(plainText('A\0B')).toBe('A\0B');
});

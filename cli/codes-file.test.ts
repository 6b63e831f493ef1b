import { expect, test } from 'vitest';
import { parseCodesFile, toCsv } from './codes-file.ts';
import { CliError } from './errors.ts';

test('a file of codes is read with or without header, numbers, quotes and the marks of other systems', () => {
  const codes = [
    { code: 'WELCOME', max_redemptions: 100 },
    { code: 'EID 2026', max_redemptions: 1 },
  ];
  expect(parseCodesFile('\ufeffCode,max_redemptions\r\nWELCOME,100\r\n"EID 2026"\r\n\r\n')).toEqual(codes);
  expect(parseCodesFile('WELCOME,100\nEID 2026')).toEqual(codes);
  expect(parseCodesFile(toCsv(codes))).toEqual(codes);
});

test.each(['', 'code,max_redemptions\n', 'A,0', 'A,1.5', 'A,-1', 'A,1,2', ',5'])('%j is refused', (text) => {
  expect(() => parseCodesFile(text)).toThrow(CliError);
});

test('the line that is wrong is named', () => {
  expect(() => parseCodesFile('code\nA\nB,x')).toThrow('line 3');
});

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CsvError, type InfoCallback, parse } from 'csv-parse';
import type { GivenCode } from '../domains/gift-code/add-codes.ts';
import { readCode } from '../platform/code-text.ts';
import { plainText } from '../platform/plain-text.ts';
import { Problem } from '../platform/problems.ts';
import { MAX_INTEGER } from './fields.ts';

/** What a CSV file of given codes says. */
export interface CodesCsv {
  codes: GivenCode[];
  /** The first of the lines that are no codes. */
  invalid: { line: number; reason: string }[];
  invalid_total: number;
  /** SHA-256 of what was read, the same however it was written. */
  digest: Buffer;
}

const MAX_LINES = 250_000;
const SHOWN_INVALID = 1_000;
/** Longer than any code with its number, however it is spelt. */
const MAX_LINE_BYTES = 1_000;
/** Characters parsed in one go, some milliseconds. */
const SLICE = 16_384;

/**
 * Reads given codes, one a line, under the header `code,max_redemptions`; the second column may be left out or empty, and
 * is then 1. A line that is no code is told with its number, from 1 for the header; quotes, a byte order mark and any line
 * ends are fine. @throws Problem `invalid-request` for what is no CSV or has another header, `payload-too-large`
 */
export async function readCodesCsv(text: string): Promise<CodesCsv> {
  const result: Omit<CodesCsv, 'digest'> = { codes: [], invalid: [], invalid_total: 0 };
  const hash = createHash('sha256');
  const parser = Readable.from(slices(text)).pipe(
    parse({
      bom: true,
      info: true,
      max_record_size: MAX_LINE_BYTES,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
    }),
  );
  let records = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: InfoCallback }>) {
      records++;
      if (records === 1) {
        if (!isHeader(record)) throw badCsv('must begin with the header code,max_redemptions');
        continue;
      }
      if (records > MAX_LINES + 1) {
        throw new Problem('payload-too-large', { detail: `A file has at most ${MAX_LINES} codes.` });
      }
      const reading = readLine(record);
      if (typeof reading === 'string') {
        result.invalid_total++;
        if (result.invalid.length < SHOWN_INVALID) result.invalid.push({ line: info.lines, reason: reading });
        hash.update(`${info.lines}!`);
      } else {
        result.codes.push(reading);
        hash.update(`${reading.text},${reading.maxRedemptions};`);
      }
    }
  } catch (error) {
    if (error instanceof CsvError) throw badCsv(`is not CSV at line ${parser.info.lines}`);
    throw error;
  }
  if (records === 0) throw badCsv('must begin with the header code,max_redemptions');
  return { ...result, digest: hash.digest() };
}

function* slices(text: string): Generator<string> {
  for (let start = 0; start < text.length; start += SLICE) yield text.slice(start, start + SLICE);
}

function isHeader([code = '', max = 'max_redemptions', ...others]: string[]): boolean {
  return code.trim().toLowerCase() === 'code' && max.trim().toLowerCase() === 'max_redemptions' && others.length === 0;
}

/** @returns the code, or why the line is none */
function readLine([code = '', max = '', ...others]: string[]): GivenCode | string {
  if (others.length > 0) return 'has more than two columns';
  const reading = readCode(code);
  if (!reading.ok) return 'code must be 4 to 32 letters and digits';
  const number = plainText(max).trim();
  const maxRedemptions = number === '' ? 1 : /^\d{1,10}$/.test(number) ? Number(number) : 0;
  if (maxRedemptions < 1 || maxRedemptions > MAX_INTEGER) {
    return `max_redemptions must be a whole number from 1 to ${MAX_INTEGER}`;
  }
  return { text: reading.text, maxRedemptions };
}

const badCsv = (detail: string) => new Problem('invalid-request', { members: { errors: [{ pointer: '', detail }] } });

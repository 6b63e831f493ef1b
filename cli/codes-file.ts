import { usageError } from './errors.ts';

export interface GivenCode {
  code: string;
  max_redemptions: number;
}

/**
 * Reads given codes from CSV, `code,max_redemptions` a line; the header and the number may be left out, then it is 1.
 * The server judges the codes themselves. @throws CliError that names the line
 */
export function parseCodesFile(text: string): GivenCode[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const codes: GivenCode[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || (index === 0 && /^"?code"?(,|$)/i.test(line.trim()))) continue;
    codes.push(parseLine(line, index + 1));
  }
  if (codes.length === 0) throw usageError('the file has no codes');
  return codes;
}

/** As the API's import reads it. */
export function toCsv(codes: GivenCode[]): string {
  return ['code,max_redemptions', ...codes.map(({ code, max_redemptions }) => `${code},${max_redemptions}`)].join('\n');
}

function parseLine(line: string, number: number): GivenCode {
  const [code = '', max = '', ...rest] = line.split(',').map((field) =>
    field
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .trim(),
  );
  if (code === '' || rest.length > 0) throw usageError(`line ${number} is not code,max_redemptions`);
  if (!/^([1-9]\d{0,8})?$/.test(max)) throw usageError(`line ${number}: max_redemptions must be 1 or more`);
  return { code, max_redemptions: max === '' ? 1 : Number(max) };
}

import { readFileSync } from 'node:fs';
import { usageError } from './errors.ts';

/** What became of the lines of an import; `invalid` has the first of them. */
export interface ImportReport {
  imported: number;
  duplicates: number;
  invalid: { line: number; reason: string }[];
  invalid_total?: number;
}

export function readCodesFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw usageError(`${file} cannot be read`);
  }
}

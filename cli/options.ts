import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Money, parseDecimalAmount } from '../platform/money.ts';
import type { Query } from './client.ts';
import { usageError } from './errors.ts';

export interface ListOptions {
  json?: boolean;
  limit: number;
  all?: boolean;
  createdFrom?: string;
  createdTo?: string;
}

const DEFAULT_LIMIT = 50;

/** A subcommand that prints data: every one has `--json` and an example in its help. */
export function dataCommand(parent: Command, usage: string, description: string, example: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option('--json', "print the API's JSON")
    .addHelpText('after', exampleText(example));
}

export function exampleText(example: string): string {
  return `\nExample:\n  $ vouchsafe ${example}`;
}

/** A subcommand that lists: newest first, as many as asked for. */
export function listCommand(parent: Command, usage: string, description: string, example: string): Command {
  return dataCommand(parent, usage, description, example)
    .option('--limit <n>', 'how many at most', positiveInteger, DEFAULT_LIMIT)
    .addOption(new Option('--all', 'all of them').conflicts('limit'))
    .option('--created-from <time>', 'made at this time or later, such as 2026-03-20T00:00:00Z')
    .option('--created-to <time>', 'made before this time');
}

export function listLimit(options: ListOptions): number {
  return options.all ? Number.POSITIVE_INFINITY : options.limit;
}

export function createdBetween(options: ListOptions): Query {
  return { created_from: options.createdFrom, created_to: options.createdTo };
}

export function idempotencyOption(): Option {
  const description = 'repeats under one key are done once (default: a fresh key)';
  return new Option('--idempotency-key <key>', description).argParser(printableAscii);
}

export function yesOption(): Option {
  return new Option('--yes', 'do not ask');
}

export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of 1 or more.');
  return Number(text);
}

export function jsonObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError('It must be a JSON object.');
}

export function waitSeconds(text: string): number {
  if (!/^\d{1,2}$/.test(text) || Number(text) > 30) throw new InvalidArgumentError('It must be 0 to 30 seconds.');
  return Number(text);
}

/** A decimal amount of the command line as the API takes it. @throws CliError for one that would have to be rounded */
export function amountOf(text: string, currency: string): Money {
  const reading = parseDecimalAmount(text, currency);
  if (!reading.ok) throw usageError(`amount ${text}: ${reading.detail}`);
  return { value: Number(reading.value), currency };
}

function printableAscii(text: string): string {
  if (!/^[\x20-\x7e]{1,255}$/.test(text))
    throw new InvalidArgumentError('It must be 1 to 255 printable ASCII characters.');
  return text;
}

export function isId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

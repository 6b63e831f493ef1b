import Table from 'cli-table3';
import pc from 'picocolors';
import { formatAmount, isCurrency, type Money } from '../platform/money.ts';
import { oneLine } from './errors.ts';

export type Cell = string | number | boolean | null | undefined;

/** Headings of a table, each with what it shows of an item. */
export type Columns<T> = Record<string, (item: T) => Cell>;

export interface Terminal {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

const DEFAULT_COLUMNS = 80;

export type Output = ReturnType<typeof createOutput>;

/** Writes data to standard output: laid out for people in a terminal, tab-separated for programs elsewhere. */
export function createOutput(stdout: Terminal) {
  const isTerminal = stdout.isTTY === true;
  const colors = pc.createColors(isTerminal && pc.isColorSupported);

  function line(text = ''): void {
    stdout.write(`${text}\n`);
  }

  function json(body: unknown): void {
    line(JSON.stringify(body, null, 2));
  }

  function table<T>(items: T[], columns: Columns<T>): void {
    const rows = items.map((item) => Object.values(columns).map((show) => cellText(show(item))));
    const head = Object.keys(columns);
    if (isTerminal) {
      const style = { head: [], border: [], compact: true };
      const laidOut = new Table({ head: head.map((heading) => colors.bold(heading)), style });
      laidOut.push(...rows);
      line(laidOut.toString());
    } else {
      for (const row of [head, ...rows]) line(row.join('\t'));
    }
  }

  /** One thing, a member a line; members that are undefined are left out. */
  function details(members: Record<string, Cell>): void {
    const present = Object.entries(members).filter(([, value]) => value !== undefined);
    const width = Math.max(...present.map(([name]) => name.length));
    for (const [name, value] of present) {
      line(isTerminal ? `${colors.dim(name.padEnd(width))}  ${cellText(value)}` : `${name}\t${cellText(value)}`);
    }
  }

  /** How wide the terminal is; nothing where the output is none. */
  const columns = isTerminal ? (stdout.columns ?? DEFAULT_COLUMNS) : undefined;

  return { line, json, table, details, colors, columns };
}

/** `10.00 USD`. */
export function moneyText(money: Money | null | undefined): string | undefined {
  if (!money) return undefined;
  if (!isCurrency(money.currency)) return `${money.value} minor units of ${money.currency}`;
  return `${formatAmount(money.value, money.currency)} ${money.currency}`;
}

/** A value on one line, without control characters: what is shown was typed by others and must not steer the terminal. */
function cellText(value: Cell): string {
  return value === null || value === undefined ? '-' : oneLine(String(value));
}

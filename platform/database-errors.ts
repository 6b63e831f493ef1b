import { DrizzleQueryError } from 'drizzle-orm';

/** The database did not do it, or nobody knows whether it did: connection, time-out, shutdown, resources. Try again. */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable';
  /** Whether the statement may have taken effect although its answer did not come. */
  readonly mayHaveHappened: boolean;
  constructor(detail: string, mayHaveHappened: boolean, cause?: unknown) {
    const reason = cause instanceof Error ? `: ${firstLine(cause)}` : '';
    super(`the database ${detail}${reason}`, { cause });
    this.mayHaveHappened = mayHaveHappened;
  }
}

/** A part was given another part's database. */
export class OtherDatabase extends Error {
  override name = 'OtherDatabase';
  constructor(part: string) {
    super(`this is the database of the ${part} part`);
  }
}

/** A deadlock or a failed serialization: rolled back, to be tried again at once. */
export class ContentionError extends Error {
  override name = 'ContentionError';
}

/** SQLSTATE class 22 or 23: this input breaks a rule of the database, and would again. */
export class DataError extends Error {
  override name = 'DataError';
  readonly sqlState: string;
  readonly constraint: string | undefined;
  constructor(message: string, sqlState: string, constraint: string | undefined) {
    super(message);
    this.sqlState = sqlState;
    this.constraint = constraint;
  }
}

/**
 * SQLSTATE classes after which trying again later is right: connection (08), no such database (3D), refused log-in (28),
 * resources (53), state of the server (55), shutdown and cancellation (57), I/O (58), and ours: VS001, a call that began too
 * late, VS002, one by a process that has to be given a key first.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE = /^(08|3D|28|53|55|57|58|25006$|VS00[12]$)/;

/** Sorts what the driver threw by what the caller can do about it; anything else is returned as it came. */
export function databaseError(thrown: unknown): unknown {
  // Drizzle's own message holds the parameters, which may be phones: it goes no further.
  if (thrown instanceof DrizzleQueryError) return databaseError(thrown.cause);
  if (!(thrown instanceof Error) || thrown instanceof DatabaseUnavailable) return thrown;
  const { code, constraint } = thrown as Error & { code?: string; constraint?: string };
  if (code === '40001' || code === '40P01') return new ContentionError(thrown.message, { cause: thrown });
  if (code && /^2[23]/.test(code)) return new DataError(thrown.message, code, constraint);
  // With an SQLSTATE the server itself says that it was undone; a broken connection (E…) says nothing.
  if (!code || /^E[A-Z]+$/.test(code)) return new DatabaseUnavailable('failed', true, thrown);
  if (UNAVAILABLE.test(code)) return new DatabaseUnavailable('failed', false, thrown);
  return thrown;
}

/** What an operation of a domain threw: already sorted, unless it comes from Drizzle. */
export const operationError = (thrown: unknown): unknown =>
  thrown instanceof DrizzleQueryError ? databaseError(thrown) : thrown;

/** Whether it says that this process has not got the keys by which others write: `check_peppers`. */
export const lacksKey = (error: unknown): boolean =>
  error instanceof DatabaseUnavailable && (error.cause as { code?: string } | undefined)?.code === 'VS002';

/** Whether it says that the database did not do it now, and no more. */
export const isToBeTriedAgain = (error: unknown): boolean =>
  error instanceof DatabaseUnavailable || error instanceof ContentionError;

/** Whether it was thrown because of this constraint. */
export function violates(thrown: unknown, constraint: string): boolean {
  const error = databaseError(thrown);
  return error instanceof DataError && error.constraint === constraint;
}

function firstLine(error: Error): string {
  const nested = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
  return (nested?.message || error.message || error.name).split('\n')[0] ?? error.name;
}

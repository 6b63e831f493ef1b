import pg from 'pg';
import { ANSWER_GRACE_MS } from './database.ts';
import { DatabaseUnavailable, databaseError } from './database-errors.ts';

const LONGEST_MS = 600_000;

export type Read = <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>;

/**
 * Reads at length on a connection of its own, so that it is in nobody's way, and all of it from one state of the
 * database. @throws DatabaseUnavailable
 */
export async function longRead<T>(url: string, name: string, work: (read: Read) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `vouchsafe ${name}`,
    statement_timeout: LONGEST_MS,
    query_timeout: LONGEST_MS + ANSWER_GRACE_MS,
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw new DatabaseUnavailable('cannot be reached', false, error);
  }
  try {
    await client.query('begin transaction isolation level repeatable read read only');
    return await work(async (text, values = []) => (await client.query(text, values)).rows);
  } catch (error) {
    throw databaseError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

import pg from 'pg';
import { CliError, EXIT } from '../errors.ts';

/** Works on one connection, which ends afterwards; a transaction left open is rolled back. @throws CliError */
export async function withDatabase<T>(url: string, work: (database: pg.Client) => Promise<T>): Promise<T> {
  const database = new pg.Client({ connectionString: url });
  // A connection lost while nothing runs on it shows at its next query.
  database.on('error', () => undefined);
  try {
    await database.connect();
    return await work(database);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(EXIT.unavailable, `the wallet database: ${error instanceof Error ? error.message : error}`);
  } finally {
    await database.end().catch(() => undefined);
  }
}

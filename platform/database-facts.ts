import { type Database, query } from './database.ts';
import { type InstalledSchema, installedSchema } from './installed-schema.ts';

/** What a database server tells of itself, and what is installed there. */
export interface DatabaseFacts {
  version: string;
  /** 150004, say. */
  versionNumber: number;
  /** How long it took to answer, and how far its clock is ahead of this process's. Milliseconds. */
  latencyMs: number;
  aheadMs: number;
  /** Connections, of all who use the server. */
  connections: { used: number; max: number };
  schema: InstalledSchema;
}

const TIMEOUT_MS = 3_000;

interface Row {
  version: string;
  version_num: number;
  now: Date;
  used: number;
  max: number;
}

/** @throws DatabaseUnavailable */
export async function databaseFacts({ part, reads }: Pick<Database<never>, 'part' | 'reads'>): Promise<DatabaseFacts> {
  const text = `select current_setting('server_version') as version, current_setting('server_version_num')::integer as version_num,
      clock_timestamp() as now, current_setting('max_connections')::integer as max,
      (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as used`;
  const before = Date.now();
  const { rows } = await query<Row>(reads, { text }, TIMEOUT_MS);
  const after = Date.now();
  const [row] = rows;
  if (!row) throw new Error('a select without a table gave no row');
  return {
    version: row.version,
    versionNumber: row.version_num,
    latencyMs: after - before,
    aheadMs: row.now.getTime() - (before + after) / 2,
    connections: { used: row.used, max: row.max },
    schema: await installedSchema(part, reads, TIMEOUT_MS),
  };
}

import type pg from 'pg';
import { type Part, query } from '../../platform/database.ts';
import { installedSchema } from '../../platform/installed-schema.ts';
import { type Check, failed, ok, warning } from './check.ts';

const TIMEOUT_MS = 3_000;
const OLDEST_VERSION = 150_000;
/** Clocks that differ by more make windows of code groups open at the wrong time. */
const CLOCK_TOLERANCE_MS = 1_000;
/** Connections that should be left for other gateways, workers and a person. */
const SPARE_CONNECTIONS = 20;

interface Server {
  version: string;
  version_num: number;
  now: Date;
  used: number;
  max: number;
}

/** What there is to say of a part's database: that it answers, its version, clock, connections and schema. */
export async function databaseChecks(part: Part, pool: pg.Pool): Promise<Check[]> {
  const variable = `${part.replace('-', '_').toUpperCase()}_DATABASE_URL`;
  const before = Date.now();
  try {
    const server = await readServer(pool);
    const after = Date.now();
    return [
      versionCheck(`${part} database`, server, after - before),
      clockCheck(`${part} database clock`, server.now.getTime() - (before + after) / 2),
      connectionsCheck(`${part} database connections`, server),
      await schemaCheck(part, pool),
    ];
  } catch (error) {
    return [
      failed(
        `${part} database`,
        String(error),
        `Start Postgres, or correct ${variable}, and start again, which starts a private one.`,
      ),
    ];
  }
}

async function readServer(pool: pg.Pool): Promise<Server> {
  const text = `select current_setting('server_version') as version, current_setting('server_version_num')::integer as version_num,
      clock_timestamp() as now, current_setting('max_connections')::integer as max,
      (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as used`;
  const { rows } = await query<Server>(pool, { text }, TIMEOUT_MS);
  if (!rows[0]) throw new Error('a select without a table gave no row');
  return rows[0];
}

function versionCheck(name: string, { version, version_num }: Server, latencyMs: number): Check {
  const detail = `Postgres ${version}, answers in ${latencyMs} ms`;
  if (version_num < OLDEST_VERSION) return warning(name, detail, 'Use Postgres 15 or newer.');
  return ok(name, detail);
}

function clockCheck(name: string, aheadMs: number): Check {
  const detail = `${Math.abs(aheadMs).toFixed(0)} ms ${aheadMs < 0 ? 'behind' : 'ahead of'} the gateway`;
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS) {
    return warning(name, detail, 'Synchronise both clocks (NTP): windows of code groups go by the database.');
  }
  return ok(name, detail);
}

function connectionsCheck(name: string, { used, max }: Server): Check {
  const detail = `${used} of ${max} in use`;
  if (max - used < SPARE_CONNECTIONS) {
    return warning(name, detail, 'Raise max_connections of Postgres, or run fewer processes.');
  }
  return ok(name, detail);
}

async function schemaCheck(part: Part, pool: pg.Pool): Promise<Check> {
  const name = `${part} schema`;
  const { migrations, missing } = await installedSchema(part, pool, TIMEOUT_MS);
  if (missing.length === 0) return ok(name, `${migrations} migrations and all functions`);
  return failed(
    name,
    `not of this version: ${missing.join(', ')}`,
    'Start this version again: it migrates at its start.',
  );
}

import type { Part } from '../../platform/database.ts';
import type { DatabaseFacts } from '../../platform/database-facts.ts';
import { type Check, failed, ok, warning } from './check.ts';

const OLDEST_VERSION = 150_000;
/** Clocks that differ by more make windows of code groups open at the wrong time. */
const CLOCK_TOLERANCE_MS = 1_000;
/** Connections that should be left for other gateways, workers and a person. */
const SPARE_CONNECTIONS = 20;

/**
 * What there is to say of a part's database: that it answers, its version, clock, connections and schema.
 *
 * @param isServed whether another process serves the part
 */
export async function databaseChecks(part: Part, reading: Promise<DatabaseFacts>, isServed = false): Promise<Check[]> {
  const name = part.replace('-', '_').toUpperCase();
  try {
    const facts = await reading;
    return [
      versionCheck(`${part} database`, facts),
      clockCheck(`${part} database clock`, facts),
      connectionsCheck(`${part} database connections`, facts),
      schemaCheck(`${part} schema`, facts),
    ];
  } catch (error) {
    return [
      failed(
        `${part} database`,
        String(error),
        isServed
          ? `See Postgres and vouchsafe serve ${part}, which ${name}_URL and VOUCHSAFE_PARTS_KEY are for.`
          : `Start Postgres, or correct ${name}_DATABASE_URL, and start again, which starts a private one.`,
      ),
    ];
  }
}

function versionCheck(name: string, { version, versionNumber, latencyMs }: DatabaseFacts): Check {
  const detail = `Postgres ${version}, answers in ${latencyMs} ms`;
  if (versionNumber < OLDEST_VERSION) return warning(name, detail, 'Use Postgres 15 or newer.');
  return ok(name, detail);
}

function clockCheck(name: string, { aheadMs }: DatabaseFacts): Check {
  const detail = `${Math.abs(aheadMs).toFixed(0)} ms ${aheadMs < 0 ? 'behind' : 'ahead of'} the service`;
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS) {
    return warning(name, detail, 'Synchronise both clocks (NTP): windows of code groups go by the database.');
  }
  return ok(name, detail);
}

function connectionsCheck(name: string, { connections: { used, max } }: DatabaseFacts): Check {
  const detail = `${used} of ${max} in use`;
  if (max - used < SPARE_CONNECTIONS) {
    return warning(name, detail, 'Raise max_connections of Postgres, or run fewer processes.');
  }
  return ok(name, detail);
}

function schemaCheck(name: string, { schema: { migrations, missing } }: DatabaseFacts): Check {
  if (missing.length === 0) return ok(name, `${migrations} migrations and all functions`);
  return failed(
    name,
    `not of this version: ${missing.join(', ')}`,
    'Start this version again: it migrates at its start.',
  );
}

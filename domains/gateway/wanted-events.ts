import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';

const TIMEOUT_MS = 4_000;

/** Since when somebody wants events; nothing where nobody does now. @throws DatabaseUnavailable */
export async function eventsWantedSince(db: GatewayDatabase): Promise<Date | undefined> {
  const text = `select min(enabled_at) as since from webhook_endpoints where disabled_at is null and deleted_at is null`;
  const { rows } = await query<{ since: Date | null }>(db.steps, { name: 'events wanted since', text }, TIMEOUT_MS);
  return rows[0]?.since ?? undefined;
}

/** Which types of events somebody wants now; `*` for all. @throws DatabaseUnavailable */
export async function wantedEventTypes(db: GatewayDatabase): Promise<Set<string>> {
  const text = `select distinct unnest(event_types) as type from webhook_endpoints
    where disabled_at is null and deleted_at is null`;
  const { rows } = await query<{ type: string }>(db.steps, { name: 'wanted event types', text }, TIMEOUT_MS);
  return new Set(rows.map(({ type }) => type));
}

import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';

/** An event as the stream has it. */
export interface WebhookEvent {
  id: string;
  type: string;
  occurredAt: Date;
  /** Its JSON, as it will be sent. */
  body: string;
}

const TIMEOUT_MS = 4_000;

/**
 * Writes a delivery for each of the events and each endpoint that wants it and was there when it happened. An event that
 * has been here before writes nothing: its rows are there. @returns how many were written @throws DatabaseUnavailable
 */
export async function addWebhookDeliveries(db: GatewayDatabase, events: WebhookEvent[]): Promise<number> {
  const { rowCount } = await query(
    db.steps,
    {
      name: 'add webhook deliveries',
      text: `insert into webhook_deliveries (endpoint_id, event_id, event_type, body)
        select e.id, m.id, m.type, m.body
        from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) m(id, type, occurred_at, body)
        join webhook_endpoints e on e.event_types && array['*', m.type] and e.created_at <= m.occurred_at
          and e.disabled_at is null and e.deleted_at is null
        on conflict (endpoint_id, event_id) do nothing`,
      values: [
        events.map(({ id }) => id),
        events.map(({ type }) => type),
        events.map(({ occurredAt }) => occurredAt),
        events.map(({ body }) => body),
      ],
    },
    TIMEOUT_MS,
  );
  return rowCount ?? 0;
}

import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';

/** What came of an attempt at a delivery. */
export interface AttemptOutcome {
  id: string;
  endpointId: string;
  /** The number of the attempt, as it was claimed. */
  attempt: number;
  state: 'pending' | 'delivered' | 'dead';
  /** HTTP status, where there was an answer. */
  status: number | null;
  error: string | null;
  /** Until the next attempt, in milliseconds; of a pending one. */
  retryInMs: number;
  /** The endpoint says that it is gone for good: nothing more is to be sent there. */
  gone: boolean;
  /** Where it was sent, and since when that had been enabled: what is gone. */
  url: string;
  enabledAt: Date;
}

const TIMEOUT_MS = 4_000;

/**
 * Writes down what came of attempts. That it was delivered holds whoever says so; a failure counts only while the attempt
 * is the latest, since another process may have taken over a claim that ran out. What is gone disables its endpoint; where
 * that has moved meanwhile, or was enabled anew, it is tried again there. @throws DatabaseUnavailable
 */
export async function settleWebhookDeliveries(db: GatewayDatabase, outcomes: AttemptOutcome[]): Promise<void> {
  const gone = outcomes.filter((outcome) => outcome.gone);
  await query(
    db.steps,
    {
      name: 'settle webhook deliveries',
      text: `with gone as materialized (
          select o.id, e.id as endpoint_id, e.url = o.url and e.enabled_at = o.enabled_at as is_same
          from unnest($7::uuid[], $8::uuid[], $9::text[], $10::timestamptz[]) o(id, endpoint_id, url, enabled_at)
          join webhook_endpoints e on e.id = o.endpoint_id
          for no key update of e
        ), disabled as (
          update webhook_endpoints set disabled_at = now(), disabled_reason = 'gone', updated_at = now()
          where id in (select endpoint_id from gone where is_same) and disabled_at is null
        ), outcomes as (
          select o.id, attempt, case when gone.is_same is false then 'pending' else state end as state, status, error, retry_in_ms
          from unnest($1::uuid[], $2::integer[], $3::text[], $4::smallint[], $5::text[], $6::double precision[])
            o(id, attempt, state, status, error, retry_in_ms) left join gone on gone.id = o.id
        )
        update webhook_deliveries d
        set state = o.state, last_status = o.status, last_error = o.error, claimed_until = null,
          next_attempt_at = now() + make_interval(secs => o.retry_in_ms / 1000),
          body = case when o.state <> 'delivered' then d.body end,
          settled_at = case when o.state <> 'pending' then now() end
        from outcomes o
        where d.id = o.id and d.state <> 'delivered'
          and (o.state = 'delivered' or (d.state = 'pending' and d.attempts = o.attempt))`,
      values: [
        outcomes.map(({ id }) => id),
        outcomes.map(({ attempt }) => attempt),
        outcomes.map(({ state }) => state),
        outcomes.map(({ status }) => status),
        outcomes.map(({ error }) => error),
        outcomes.map(({ retryInMs }) => retryInMs),
        gone.map(({ id }) => id),
        gone.map(({ endpointId }) => endpointId),
        gone.map(({ url }) => url),
        gone.map(({ enabledAt }) => enabledAt),
      ],
    },
    TIMEOUT_MS,
  );
}

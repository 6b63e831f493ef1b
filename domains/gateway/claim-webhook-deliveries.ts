import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';

/** A delivery that is ours to attempt, until the claim runs out. */
export interface ClaimedDelivery {
  id: string;
  endpoint_id: string;
  url: string;
  /** Since when the endpoint has not been disabled. */
  enabled_at: Date;
  event_id: string;
  body: string;
  /** Which attempt this is, from 1. */
  attempts: number;
}

const TIMEOUT_MS = 4_000;

/**
 * Claims deliveries that are due, for each endpoint as many as it has places left, so that none waits behind another's.
 * Several processes may do so at once: each row goes to one of them. A claim is a due time in the future, so that the
 * claims of a process that died come due by themselves.
 *
 * @param busy how many deliveries of an endpoint are under way here
 * @throws DatabaseUnavailable
 */
export async function claimWebhookDeliveries(
  db: GatewayDatabase,
  busy: Map<string, number>,
  placesPerEndpoint: number,
  claimMs: number,
): Promise<ClaimedDelivery[]> {
  const { rows } = await query<ClaimedDelivery>(
    db.steps,
    {
      name: 'claim webhook deliveries',
      text: `with due as (
          select d.id, e.url, e.enabled_at from webhook_endpoints e
          left join unnest($1::uuid[], $2::integer[]) b(id, busy) on b.id = e.id
          cross join lateral (
            select id from webhook_deliveries
            where endpoint_id = e.id and state = 'pending' and next_attempt_at <= now()
            order by next_attempt_at limit greatest(0, $3::integer - coalesce(b.busy, 0))
            for update skip locked
          ) d
          where e.disabled_at is null and e.deleted_at is null
        )
        update webhook_deliveries d
        set attempts = d.attempts + 1, next_attempt_at = now() + make_interval(secs => $4::double precision / 1000),
          claimed_until = now() + make_interval(secs => $4::double precision / 1000)
        from due where d.id = due.id
        returning d.id, d.endpoint_id, due.url, due.enabled_at, d.event_id, d.body, d.attempts`,
      values: [[...busy.keys()], [...busy.values()], placesPerEndpoint, claimMs],
    },
    TIMEOUT_MS,
  );
  return rows;
}

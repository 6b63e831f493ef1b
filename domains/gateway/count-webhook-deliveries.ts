import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';

const TIMEOUT_MS = 2_000;

/**
 * Deliveries that are pending, and those given up, of endpoints that are enabled: those of others wait for nobody. Reads the
 * two indexes that hold just these. @throws DatabaseUnavailable
 */
export async function countWebhookDeliveries(db: GatewayDatabase): Promise<Record<'pending' | 'dead', number>> {
  const { rows } = await query<{ pending: number; dead: number }>(
    db.reads,
    {
      name: 'count webhook deliveries',
      text: `select count(*) filter (where state = 'pending')::double precision as pending,
          count(*) filter (where state = 'dead')::double precision as dead
        from (
          select endpoint_id, state from webhook_deliveries where state = 'pending'
          union all select endpoint_id, state from webhook_deliveries where state = 'dead') d
        join webhook_endpoints e on e.id = d.endpoint_id
        where e.disabled_at is null and e.deleted_at is null`,
    },
    TIMEOUT_MS,
  );
  if (!rows[0]) throw new Error('a select without a table gave no row');
  return rows[0];
}

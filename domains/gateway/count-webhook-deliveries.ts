import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';

const TIMEOUT_MS = 2_000;

/** Deliveries that are pending, and those given up. Reads the two indexes that hold just these. @throws DatabaseUnavailable */
export async function countWebhookDeliveries(db: GatewayDatabase): Promise<Record<'pending' | 'dead', number>> {
  const { rows } = await query<{ pending: number; dead: number }>(
    db.reads,
    {
      name: 'count webhook deliveries',
      text: `select (select count(*)::double precision from webhook_deliveries where state = 'pending') as pending,
        (select count(*)::double precision from webhook_deliveries where state = 'dead') as dead`,
    },
    TIMEOUT_MS,
  );
  if (!rows[0]) throw new Error('a select without a table gave no row');
  return rows[0];
}

import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';

const AT_ONCE = 1_000;
const TIMEOUT_MS = 4_000;

/**
 * Removes a small batch of deliveries: those that ended more than `keptMs` ago, and those of endpoints that are deleted.
 * @returns whether there may be more @throws DatabaseUnavailable
 */
export async function removeOldWebhookDeliveries(db: GatewayDatabase, keptMs: number): Promise<boolean> {
  const remove = async (text: string, values: unknown[] = []) =>
    (await query(db.steps, { text, values }, TIMEOUT_MS)).rowCount === AT_ONCE;
  const ended = await remove(
    `delete from webhook_deliveries where id in (
      select id from webhook_deliveries
      where state <> 'pending' and settled_at < now() - make_interval(secs => $1::double precision / 1000)
      order by settled_at limit ${AT_ONCE})`,
    [keptMs],
  );
  const orphaned = await remove(
    `delete from webhook_deliveries where id in (
      select d.id from webhook_endpoints e join webhook_deliveries d on d.endpoint_id = e.id
      where e.deleted_at is not null limit ${AT_ONCE})`,
  );
  return ended || orphaned;
}

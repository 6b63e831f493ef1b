import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';

/** What can be done to what is kept account of. */
export type AuditAction =
  | `code_group.${'create' | 'update' | 'add_codes' | 'cancel_generation'}`
  | `code.${'update' | 'reveal'}`
  | `wallet.${'create' | 'update' | 'credit' | 'debit'}`
  | `redemption.${'abort' | 'retry' | 'retry_stuck' | 'reverse'}`
  | `api_key.${'create' | 'rotate' | 'revoke'}`
  | `webhook_endpoint.${'create' | 'update' | 'delete' | 'test' | 'rotate_secret'}`
  | 'webhook_delivery.retry'
  | 'outbox.replay'
  | 'reconciliation.create';

/** Something done, or about to be. */
export interface AuditEntry {
  action: AuditAction;
  resource: {
    type:
      | 'code_group'
      | 'code'
      | 'wallet'
      | 'redemption'
      | 'api_key'
      | 'webhook_endpoint'
      | 'webhook_delivery'
      | 'outbox'
      | 'reconciliation';
    id: string | null;
  };
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
}

/** On whose request it is done. */
export interface AuditTrail {
  clientId: string;
  /** None for the admin key. */
  keyId: string | null;
  requestId: string;
  remoteAddress: string;
}

const TIMEOUT_MS = 5_000;

/** Writes down that something is about to be done, under an id of its own. @throws DatabaseUnavailable */
export async function writeAuditIntent(
  db: GatewayDatabase,
  id: string,
  trail: AuditTrail,
  entry: AuditEntry,
): Promise<void> {
  const text = `insert into audit_intents
    (id, client_id, key_id, request_id, remote_address, action, resource_type, resource_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8)`;
  await query(db.door, { name: 'write audit intent', text, values: [id, ...values(trail, entry)] }, TIMEOUT_MS);
}

/** Says that what is about to be done is still being done: it may take long. @throws DatabaseUnavailable */
export async function keepAuditIntent(db: GatewayDatabase, id: string): Promise<void> {
  const text = 'update audit_intents set alive_at = now() where id = $1';
  await query(db.door, { name: 'keep audit intent', text, values: [id] }, TIMEOUT_MS);
}

/** Ends an intent: with what was done, or, where nothing was, without a trace. @throws DatabaseUnavailable */
export async function settleAuditIntent(
  db: GatewayDatabase,
  id: string,
  trail: AuditTrail,
  entry: AuditEntry | undefined,
  outcome: 'done' | 'unknown' = 'done',
): Promise<void> {
  if (!entry) {
    const text = 'delete from audit_intents where id = $1';
    await query(db.door, { name: 'drop audit intent', text, values: [id] }, TIMEOUT_MS);
    return;
  }
  const text = `with settled as (delete from audit_intents where id = $1)
    insert into audit_log
    (client_id, key_id, request_id, remote_address, action, resource_type, resource_id, before, after, outcome)
    values ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`;
  const all = [id, ...values(trail, entry), json(entry.before), json(entry.after), outcome];
  await query(db.door, { name: 'settle audit intent', text, values: all }, TIMEOUT_MS);
}

const values = (trail: AuditTrail, { action, resource }: AuditEntry) => [
  trail.clientId,
  trail.keyId,
  trail.requestId,
  trail.remoteAddress,
  action,
  resource.type,
  resource.id,
];

const json = (value: Record<string, unknown> | undefined) => (value === undefined ? null : JSON.stringify(value));

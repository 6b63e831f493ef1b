import { and, desc, eq, lt, or, sql } from 'drizzle-orm';
import { isUuid } from '../../platform/ids.ts';
import { type CreatedBetween, createdBetween } from '../../platform/newest-first.ts';
import type { GatewayDatabase } from './database.ts';
import { apiClients, auditLog } from './schema.ts';

export interface AuditFilter extends CreatedBetween {
  /** The id of a client or of a key, or a client's name. */
  actor?: string | undefined;
  action?: string | undefined;
  /** The id of a resource, or a type. */
  resource?: string | undefined;
  beforeId?: number | undefined;
}

export type AuditRow = Awaited<ReturnType<typeof listAuditLog>>[number];

/** Newest first. What was begun and lost before is in it, as of unknown outcome. */
export async function listAuditLog(db: GatewayDatabase, filter: AuditFilter, limit: number) {
  await settleLostIntents(db);
  const { actor, action, resource, beforeId } = filter;
  return await db.orm
    .select({
      id: auditLog.id,
      clientId: auditLog.clientId,
      clientName: apiClients.name,
      keyId: auditLog.keyId,
      action: auditLog.action,
      resourceType: auditLog.resourceType,
      resourceId: auditLog.resourceId,
      requestId: auditLog.requestId,
      remoteAddress: auditLog.remoteAddress,
      outcome: auditLog.outcome,
      before: auditLog.before,
      after: auditLog.after,
      createdAt: auditLog.createdAt,
    })
    .from(auditLog)
    .innerJoin(apiClients, eq(apiClients.id, auditLog.clientId))
    .where(
      and(
        actor === undefined ? undefined : isActor(actor),
        action === undefined ? undefined : eq(auditLog.action, action),
        resource === undefined ? undefined : isResource(resource),
        createdBetween(auditLog.createdAt, filter),
        beforeId === undefined ? undefined : lt(auditLog.id, beforeId),
      ),
    )
    .orderBy(desc(auditLog.id))
    .limit(limit);
}

const isActor = (actor: string) =>
  isUuid(actor) ? or(eq(auditLog.clientId, actor), eq(auditLog.keyId, actor)) : eq(apiClients.name, actor);

const isResource = (resource: string) =>
  isUuid(resource) ? eq(auditLog.resourceId, resource) : eq(auditLog.resourceType, resource);

/** What is still an intent, and was silent for so long, was lost with its process, or its end could not be written. */
async function settleLostIntents(db: GatewayDatabase): Promise<void> {
  await db.orm.execute(sql`
    with lost as (delete from audit_intents where alive_at < now() - interval '5 minutes' returning *)
    insert into audit_log (client_id, key_id, request_id, remote_address, action, resource_type, resource_id, created_at, outcome)
    select client_id, key_id, request_id, remote_address, action, resource_type, resource_id, created_at, 'unknown' from lost`);
}

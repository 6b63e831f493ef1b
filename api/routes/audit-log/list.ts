import { type AuditRow, listAuditLog } from '../../../domains/gateway/list-audit-log.ts';
import { answers, pageOf } from '../../answers.ts';
import { byNumber, page, readCursor } from '../../cursor.ts';
import { label, listQuery } from '../../fields.ts';
import { operation } from '../../operation.ts';

export const listAuditLogOperation = operation({
  method: 'GET',
  path: '/v1/audit-log',
  summary:
    'List who changed or revealed what, newest first. `actor` is a client, its name or a key; `resource` an id or a type',
  scope: 'ops:read',
  query: listQuery.safeExtend({
    actor: label(100).optional(),
    action: label(100).optional(),
    resource: label(100).optional(),
  }),
  answers: { 200: pageOf(answers.auditEntry) },
  problems: ['unavailable'],
  async handle({ query, services }) {
    const { limit, cursor, ...rest } = query;
    const filters = { list: 'audit-log', ...rest };
    const beforeId = readCursor(cursor, filters, byNumber);
    const { created_from: createdFrom, created_to: createdTo, ...by } = rest;
    const rows = await listAuditLog(services.gateway, { ...by, createdFrom, createdTo, beforeId }, limit + 1);
    return { status: 200, body: page(rows, limit, filters, (row) => [row.id], auditJson) };
  },
});

const auditJson = (row: AuditRow) => ({
  id: row.id,
  action: row.action,
  outcome: row.outcome,
  actor: { client_id: row.clientId, key_id: row.keyId, name: row.clientName },
  resource: { type: row.resourceType, id: row.resourceId },
  request_id: row.requestId,
  remote_address: row.remoteAddress,
  before: row.before,
  after: row.after,
  created_at: row.createdAt.toISOString(),
});

import type { ApiKey } from '../../../domains/gateway/read-keys.ts';

/** A key as the API shows it. Only the answer that made it has the key itself, as `key`. */
export function apiKeyJson(key: ApiKey) {
  return {
    id: key.id,
    name: key.name,
    client_id: key.clientId,
    scopes: key.scopes,
    last4: key.last4,
    created_at: key.createdAt.toISOString(),
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  };
}

/** What the audit log keeps of a key. */
export const auditedKey = ({ name, scopes, last4 }: ApiKey) => ({ name, scopes, last4 });

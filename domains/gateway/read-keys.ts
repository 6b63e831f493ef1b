import { and, desc, eq, gte, lt, sql } from 'drizzle-orm';
import type { GatewayDatabase } from './database.ts';
import { apiClients, apiKeys } from './schema.ts';

/** A key as it may be shown: without the key, and without its hash. */
export interface ApiKey {
  id: string;
  clientId: string;
  /** The client's. */
  name: string;
  last4: string;
  scopes: string[];
  replaces: string | null;
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

const columns = {
  id: apiKeys.id,
  clientId: apiKeys.clientId,
  name: apiClients.name,
  last4: apiKeys.last4,
  scopes: apiKeys.scopes,
  replaces: apiKeys.replaces,
  createdAt: apiKeys.createdAt,
  lastUsedAt: apiKeys.lastUsedAt,
  revokedAt: apiKeys.revokedAt,
};

export async function readKey(db: Pick<GatewayDatabase['orm'], 'select'>, id: string): Promise<ApiKey | undefined> {
  const [key] = await db
    .select(columns)
    .from(apiKeys)
    .innerJoin(apiClients, eq(apiClients.id, apiKeys.clientId))
    .where(eq(apiKeys.id, id));
  return key;
}

export interface KeyFilter {
  createdFrom?: Date | undefined;
  createdTo?: Date | undefined;
  after?: { createdAt: Date; id: string } | undefined;
}

/** Newest first. */
export function listKeys(db: GatewayDatabase, { createdFrom, createdTo, after }: KeyFilter, limit: number) {
  return db.orm
    .select(columns)
    .from(apiKeys)
    .innerJoin(apiClients, eq(apiClients.id, apiKeys.clientId))
    .where(
      and(
        createdFrom && gte(apiKeys.createdAt, createdFrom),
        createdTo && lt(apiKeys.createdAt, createdTo),
        after &&
          sql`(${apiKeys.createdAt}, ${apiKeys.id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`,
      ),
    )
    .orderBy(desc(apiKeys.createdAt), desc(apiKeys.id))
    .limit(limit);
}

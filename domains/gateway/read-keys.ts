import { eq } from 'drizzle-orm';
import { newestFirst, onPage, type Page } from '../../platform/newest-first.ts';
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

/** Newest first. */
export function listKeys(db: GatewayDatabase, page: Page, limit: number) {
  return db.orm
    .select(columns)
    .from(apiKeys)
    .innerJoin(apiClients, eq(apiClients.id, apiKeys.clientId))
    .where(onPage(apiKeys, page))
    .orderBy(...newestFirst(apiKeys))
    .limit(limit);
}

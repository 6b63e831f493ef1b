import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';

export interface KeyHolder {
  keyId: string;
  clientId: string;
  scopes: string[];
}

/**
 * Whose live keys have these SHA-256 hashes. Marks them used, each at most once a minute, so that a busy key costs no
 * write. @returns a holder or nothing per hash, in order. @throws DatabaseUnavailable
 */
export async function findKeyHolders(
  db: GatewayDatabase,
  hashes: Buffer[],
  timeoutMs: number,
): Promise<(KeyHolder | undefined)[]> {
  const { rows } = await query<{ hash: Buffer; id: string; client_id: string; scopes: string[] }>(
    db.door,
    {
      name: 'find key holders',
      text: `with live as (
          select id, hash, client_id, scopes from api_keys where hash = any($1::bytea[]) and revoked_at is null
        ), used as (
          update api_keys set last_used_at = now() where id in (select id from live)
            and (last_used_at is null or last_used_at < now() - interval '1 minute')
        )
        select * from live`,
      values: [hashes],
    },
    timeoutMs,
  );
  return hashes.map((hash) => {
    const row = rows.find((other) => other.hash.equals(hash));
    return row && { keyId: row.id, clientId: row.client_id, scopes: row.scopes };
  });
}

import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { type CodeKey, sealCode, unsealCode } from '../../platform/code-keys.ts';
import { query } from '../../platform/database.ts';
import type { GatewayDatabase } from './database.ts';
import { webhookSecrets } from './schema.ts';

/** How long a secret stays valid after it was replaced. */
export const OVERLAP_HOURS = 24;

/** A secret as it is kept. The first one of an endpoint has the endpoint's id. */
export interface SealedSecret {
  id: string;
  sealed: Buffer;
  sealKeyId: number;
}

const BYTES = 32;
const TIMEOUT_MS = 5_000;

/** A new secret in the form of Standard Webhooks, sealed by the newest of the keys and bound to its id. */
export function newWebhookSecret(seals: CodeKey[], id: string): SealedSecret {
  const seal = seals.at(-1);
  if (!seal) throw new Error('there is no seal key');
  return { id, sealed: sealCode(seal, id, `whsec_${randomBytes(BYTES).toString('base64')}`), sealKeyId: seal.id };
}

/** @throws Error when none of the keys is the one it was sealed with */
export const unsealWebhookSecret = (seals: CodeKey[], { id, sealed, sealKeyId }: SealedSecret): string =>
  unsealCode(seals, sealKeyId, id, sealed);

export async function readWebhookSecret(db: GatewayDatabase, id: string): Promise<SealedSecret | undefined> {
  const [secret] = await db.orm.select().from(webhookSecrets).where(eq(webhookSecrets.id, id));
  return secret;
}

/** The secrets that each of these endpoints signs with now, the newest first. @throws DatabaseUnavailable */
export async function liveWebhookSecrets(
  db: GatewayDatabase,
  endpointIds: string[],
): Promise<Map<string, SealedSecret[]>> {
  const { rows } = await query<{ id: string; endpoint_id: string; sealed: Buffer; seal_key_id: number }>(
    db.steps,
    {
      name: 'live webhook secrets',
      text: `select id, endpoint_id, sealed, seal_key_id from webhook_secrets
        where endpoint_id = any($1::uuid[]) and (expires_at is null or expires_at > now())
        order by expires_at desc nulls first`,
      values: [endpointIds],
    },
    TIMEOUT_MS,
  );
  const live = new Map<string, SealedSecret[]>();
  for (const { id, endpoint_id, sealed, seal_key_id: sealKeyId } of rows) {
    live.set(endpoint_id, [...(live.get(endpoint_id) ?? []), { id, sealed, sealKeyId }]);
  }
  return live;
}

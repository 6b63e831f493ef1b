import { and, eq, ne } from 'drizzle-orm';
import { type CodeKey, sealCode } from '../../platform/code-keys.ts';
import { ConfigError } from '../../platform/config.ts';
import type { GatewayDatabase } from './database.ts';
import { webhookSecrets } from './schema.ts';
import { unsealWebhookSecret } from './webhook-secrets.ts';

/**
 * Seals all webhook secrets with the newest of the keys. They are few, so that a start does it.
 * @throws ConfigError where the key that one is sealed with is missing
 */
export async function renewWebhookSecrets(db: GatewayDatabase, seals: CodeKey[]): Promise<void> {
  const newest = seals.at(-1);
  if (!newest) throw new Error('there is no seal key');
  for (const secret of await db.orm.select().from(webhookSecrets).where(ne(webhookSecrets.sealKeyId, newest.id))) {
    const { id, sealKeyId } = secret;
    if (!seals.some((seal) => seal.id === sealKeyId)) {
      throw new ConfigError(
        `the code keys are not those of this database: webhook secrets need its seal key ${sealKeyId}`,
      );
    }
    await db.orm
      .update(webhookSecrets)
      .set({ sealed: sealCode(newest, id, unsealWebhookSecret(seals, secret)), sealKeyId: newest.id })
      .where(and(eq(webhookSecrets.id, id), eq(webhookSecrets.sealKeyId, sealKeyId)));
  }
}

import * as gatewaySchema from '../domains/gateway/schema.ts';
import * as giftCodeSchema from '../domains/gift-code/schema.ts';
import * as walletSchema from '../domains/wallet/schema.ts';
import { ConfigError } from '../platform/config.ts';
import { type DatabaseOptions, migrateDatabase, openDatabase, type Part } from '../platform/database.ts';
import { DatabaseUnavailable } from '../platform/database-errors.ts';
import type { LocalServers } from '../platform/local/index.ts';

/** For its webhooks alone. */
const GATEWAY_STEPS = 3;

/**
 * Brings all parts' databases up to date, and opens them. @param keep is given each as soon as it is open
 * @throws ConfigError that names the variable, where one cannot be used
 */
export async function openDatabases(
  urls: LocalServers['urls'],
  options: DatabaseOptions,
  keep: <T extends { close(): unknown }>(database: T) => T,
) {
  await Promise.all([
    migrateOrExplain('gateway', urls.gatewayDatabase),
    migrateOrExplain('gift-code', urls.giftCodeDatabase),
    migrateOrExplain('wallet', urls.walletDatabase),
  ]);
  const forGateway = { ...options, steps: GATEWAY_STEPS };
  return {
    gateway: keep(await openDatabase('gateway', urls.gatewayDatabase, gatewaySchema, forGateway)),
    giftCode: keep(await openDatabase('gift-code', urls.giftCodeDatabase, giftCodeSchema, options)),
    wallet: keep(await openDatabase('wallet', urls.walletDatabase, walletSchema, options)),
  };
}

async function migrateOrExplain(part: Part, url: string): Promise<void> {
  try {
    await migrateDatabase(part, url);
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    const variable = `${part.replace('-', '_').toUpperCase()}_DATABASE_URL`;
    throw new ConfigError(
      `${part}: ${error.message}. Check that the server runs and that ${variable} is right, or unset it.`,
    );
  }
}

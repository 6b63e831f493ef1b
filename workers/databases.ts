import * as gatewaySchema from '../domains/gateway/schema.ts';
import * as giftCodeSchema from '../domains/gift-code/schema.ts';
import * as walletSchema from '../domains/wallet/schema.ts';
import { type Config, ConfigError } from '../platform/config.ts';
import {
  type DatabaseOptions,
  migrateDatabase,
  openDatabase,
  type Part,
  STATEMENT_SHARE,
} from '../platform/database.ts';
import { DatabaseUnavailable, OtherDatabase } from '../platform/database-errors.ts';

/** How many connections a thread opens at most, and how long its statements may take. */
export function databaseOptions({ steps, dispatcher }: Config): DatabaseOptions {
  return {
    steps: dispatcher.batchesInFlight + 1,
    door: 2,
    reads: 4,
    statementTimeoutMs: Math.floor(steps.timeoutMs * STATEMENT_SHARE),
  };
}

export const openGateway = (url: string, options: DatabaseOptions) =>
  openDatabase('gateway', url, gatewaySchema, options);

export const openGiftCode = (url: string, options: DatabaseOptions) =>
  openDatabase('gift-code', url, giftCodeSchema, options);

export const openWallet = (url: string, options: DatabaseOptions) => openDatabase('wallet', url, walletSchema, options);

/** Brings a part's database up to date. @throws ConfigError that names the variable, where it cannot be used */
export async function migrateOrExplain(part: Part, url: string): Promise<void> {
  try {
    await migrateDatabase(part, url);
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable || error instanceof OtherDatabase)) throw error;
    const variable = `${part.replace('-', '_').toUpperCase()}_DATABASE_URL`;
    throw new ConfigError(`${part}: ${error.message}. Check that the server runs and that ${variable} is right.`);
  }
}

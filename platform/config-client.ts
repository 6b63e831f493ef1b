import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { isCurrency } from './money.ts';

/** How a tool on this machine reaches a Vouchsafe. */
export interface CliSettings {
  /** The API's address, without a slash at its end. */
  url: string;
  key: string | undefined;
  /** ISO 4217 code of amounts given without one. */
  currency: string;
  /** Set only for an instance of this machine, found by its run.json. */
  walletDatabaseUrl: string | undefined;
}

/** Thrown for a setting that cannot be used; its message names the variable or file. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

const DEFAULT_URL = 'http://127.0.0.1:8080';
/** Where an instance of this checkout has its data, unless it is told otherwise. */
export const CHECKOUT_HOME = fileURLToPath(new URL('../.vouchsafe', import.meta.url));

/** The part of `$VOUCHSAFE_HOME/run.json` that a client needs; the running instance writes it. */
const runFile = z.object({
  api: z.string(),
  admin_key: z.string().nullish(),
  currency: z.string().optional(),
  databases: z.object({ wallet: z.string() }).partial().optional(),
});

/**
 * `VOUCHSAFE_URL` and `VOUCHSAFE_KEY`, else the instance that runs in `VOUCHSAFE_HOME`. The key and the currency of that
 * instance are of no other address. @throws SettingsError
 */
export function cliSettings(environment: NodeJS.ProcessEnv = process.env): CliSettings {
  const run = readRunFile(resolve(environment.VOUCHSAFE_HOME || CHECKOUT_HOME, 'run.json'));
  const url = httpAddress(environment.VOUCHSAFE_URL || run?.api || DEFAULT_URL);
  const local = run && httpAddress(run.api) === url ? run : undefined;
  const currency = environment.VOUCHSAFE_CURRENCY || local?.currency || 'USD';
  if (!isCurrency(currency)) throw new SettingsError(`VOUCHSAFE_CURRENCY is ${currency}, not an ISO 4217 code`);
  const key = environment.VOUCHSAFE_KEY;
  if (key && !/^[\x21-\x7e]+$/.test(key)) {
    throw new SettingsError('VOUCHSAFE_KEY has characters that no key has, such as a line break');
  }
  return {
    url,
    key: key || local?.admin_key || undefined,
    currency,
    walletDatabaseUrl: local?.databases?.wallet,
  };
}

function readRunFile(path: string): z.infer<typeof runFile> | undefined {
  try {
    return runFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new SettingsError(`${path} cannot be read; set VOUCHSAFE_URL and VOUCHSAFE_KEY, or start Vouchsafe again`);
  }
}

function httpAddress(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new SettingsError(`VOUCHSAFE_URL is ${text}, not an address like ${DEFAULT_URL}`);
  }
  return text.replace(/\/+$/, '');
}

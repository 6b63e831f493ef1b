import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { ServerAddresses } from './local/addresses.ts';

/** Thrown for a setting that cannot be used; its message names the variable and what it takes. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

const integer = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

const address = (protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `expected an address like ${protocols[0]}//host:port`,
  });

/** Every setting, by the environment variable it is read from. The README's table lists the same names. */
const variables = z.object({
  VOUCHSAFE_HOME: z
    .string()
    .min(1)
    .default(fileURLToPath(new URL('../.vouchsafe', import.meta.url))),
  PORT: integer(8080, 0, 65535),
  VOUCHSAFE_HOST: z.string().min(1).default('127.0.0.1'),
  VOUCHSAFE_ADMIN_KEY: z.string().min(16, 'expected at least 16 characters').max(200).optional(),
  VOUCHSAFE_CODE_KEYS: z.string().min(1).optional(),
  VOUCHSAFE_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code such as USD')
    .default('USD'),
  VOUCHSAFE_REGION: z
    .string()
    .regex(/^[A-Z]{2}$/, 'expected an ISO 3166 code such as IR')
    .optional(),
  VOUCHSAFE_WEB_UI_URL: address(['http:', 'https:']).optional(),
  VOUCHSAFE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('warn'),
  GIFT_CODE_DATABASE_URL: address(['postgres:', 'postgresql:']).optional(),
  WALLET_DATABASE_URL: address(['postgres:', 'postgresql:']).optional(),
  GATEWAY_DATABASE_URL: address(['postgres:', 'postgresql:']).optional(),
  REDIS_URL: address(['redis:', 'rediss:']).optional(),
  NATS_URL: address(['nats:', 'tls:']).optional(),
  NATS_STREAM: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .default('VOUCHSAFE'),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^:\s/]+:\d{1,5}$/, 'expected host:port')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_TASK_QUEUE: z.string().min(1).default('vouchsafe'),
  VOUCHSAFE_BATCH_MAX: integer(256, 1, 1024),
  VOUCHSAFE_BATCHES_IN_FLIGHT: integer(2, 1, 64),
  VOUCHSAFE_STEP_TIMEOUT_MS: integer(5_000, 50, 120_000),
  VOUCHSAFE_STEP_ATTEMPTS: integer(3, 1, 20),
  VOUCHSAFE_RETRY_MAX_MS: integer(10_000, 50, 10_000),
  VOUCHSAFE_GENERATION_CHUNK: integer(5_000, 1, 20_000),
  VOUCHSAFE_SWEEP_AFTER_MS: integer(60_000, 100, 3_600_000),
  VOUCHSAFE_SWEEP_EVERY_MS: integer(30_000, 1_000, 3_600_000),
  VOUCHSAFE_START_TIMEOUT_MS: integer(5_000, 100, 60_000),
});

/** The whole configuration of a process, parsed once at its start. Times are in milliseconds. */
export interface Config {
  home: string;
  host: string;
  port: number;
  adminKey: string | undefined;
  codeKeys: string | undefined;
  currency: string;
  region: string | undefined;
  webUiUrl: string | undefined;
  logLevel: string;
  given: ServerAddresses;
  natsStream: string;
  temporal: { namespace: string; taskQueue: string };
  dispatcher: { batchMax: number; batchesInFlight: number; startTimeoutMs: number };
  steps: { timeoutMs: number; attempts: number; retryMaxMs: number };
  /** Codes written in one transaction of a generation. */
  generation: { chunk: number };
  sweep: { afterMs: number; everyMs: number };
}

/** Reads the configuration. @throws ConfigError that names the first variable that cannot be used */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = variables.safeParse(present);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ConfigError(`${issue?.path.join('.')} cannot be used: ${issue?.message}`);
  }
  const v = parsed.data;
  return {
    home: resolve(v.VOUCHSAFE_HOME),
    host: v.VOUCHSAFE_HOST,
    port: v.PORT,
    adminKey: v.VOUCHSAFE_ADMIN_KEY,
    codeKeys: v.VOUCHSAFE_CODE_KEYS,
    currency: v.VOUCHSAFE_CURRENCY,
    region: v.VOUCHSAFE_REGION,
    webUiUrl: v.VOUCHSAFE_WEB_UI_URL,
    logLevel: v.VOUCHSAFE_LOG_LEVEL,
    given: {
      ...(v.GIFT_CODE_DATABASE_URL && { giftCodeDatabaseUrl: v.GIFT_CODE_DATABASE_URL }),
      ...(v.WALLET_DATABASE_URL && { walletDatabaseUrl: v.WALLET_DATABASE_URL }),
      ...(v.GATEWAY_DATABASE_URL && { gatewayDatabaseUrl: v.GATEWAY_DATABASE_URL }),
      ...(v.REDIS_URL && { redisUrl: v.REDIS_URL }),
      ...(v.NATS_URL && { natsUrl: v.NATS_URL }),
      ...(v.TEMPORAL_ADDRESS && { temporalAddress: v.TEMPORAL_ADDRESS }),
    },
    natsStream: v.NATS_STREAM,
    temporal: { namespace: v.TEMPORAL_NAMESPACE, taskQueue: v.TEMPORAL_TASK_QUEUE },
    dispatcher: {
      batchMax: v.VOUCHSAFE_BATCH_MAX,
      batchesInFlight: v.VOUCHSAFE_BATCHES_IN_FLIGHT,
      startTimeoutMs: v.VOUCHSAFE_START_TIMEOUT_MS,
    },
    steps: {
      timeoutMs: v.VOUCHSAFE_STEP_TIMEOUT_MS,
      attempts: v.VOUCHSAFE_STEP_ATTEMPTS,
      retryMaxMs: v.VOUCHSAFE_RETRY_MAX_MS,
    },
    generation: { chunk: v.VOUCHSAFE_GENERATION_CHUNK },
    sweep: { afterMs: v.VOUCHSAFE_SWEEP_AFTER_MS, everyMs: v.VOUCHSAFE_SWEEP_EVERY_MS },
  };
}

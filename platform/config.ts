import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metadata, TLSConfig } from '@temporalio/client';
import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import { isSupportedCountry } from 'libphonenumber-js';
import { z } from 'zod';
import type { ServerAddresses } from './local/index.ts';
import { isCurrency } from './money.ts';

/** Thrown for a setting that cannot be used; its message names the variable and what it takes. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** What a header can hold, and nobody guesses. */
export const ADMIN_KEY = /^[\x21-\x7e]{16,200}$/;
export const ADMIN_KEY_RULE = '16 to 200 printable ASCII characters without spaces';

const wholeNumber = (min: number, max: number) => {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int(error).min(min, error).max(max, error);
};
const integer = (fallback: number, min: number, max: number) => wholeNumber(min, max).default(fallback);

/** Milliseconds, separated by commas. */
const intervals = (fallback: string) =>
  z
    .string()
    .regex(/^\d{1,9}(,\d{1,9}){0,31}$/, 'expected milliseconds separated by commas, such as 5000,300000')
    .default(fallback)
    .transform((text) => text.split(',').map(Number));

const isAddress = (text: string, protocols: string[]) =>
  URL.canParse(text) && protocols.includes(new URL(text).protocol);

const address = (protocols: string[]) =>
  z.string().refine((text) => isAddress(text, protocols), `expected an address like ${protocols[0]}//host:port`);

const database = z
  .string()
  .refine(
    (text) => isAddress(text, ['postgres:', 'postgresql:']) && /^\/[^/]+$/.test(new URL(text).pathname),
    'expected an address like postgresql://role:password@host:5432/database',
  );

/** Of servers that are one cluster. */
const natsAddresses = z
  .string()
  .refine(
    (text) => text.split(',').every((one) => isAddress(one, ['nats:', 'tls:'])),
    'expected an address like nats://host:4222, or several separated by commas',
  );

const file = z.string().refine((path) => {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}, 'expected the path of a file that can be read');

/** A base to which paths are added, and whom nothing is told but by a key of its own. */
const base = address(['http:', 'https:']).refine(
  (text) => !URL.canParse(text) || (!/[?#]/.test(text) && new URL(text).username === ''),
  { message: 'expected an address without user, query and fragment, such as http://host:port' },
);

/** 5 s, 5 min, 30 min, 2 h, 5 h, 6 h, 10 h: a day in all. */
const BACKOFF_OF_A_DAY_MS = '5000,300000,1800000,7200000,18000000,21600000,36000000';

/**
 * Every setting, by the environment variable it is read from. The README's table lists the same names, and those by which
 * Temporal's own tools sign in, which `temporalSignIn` reads.
 */
const variables = z.object({
  VOUCHSAFE_HOME: z
    .string()
    .min(1)
    .default(fileURLToPath(new URL('../.vouchsafe', import.meta.url))),
  PORT: wholeNumber(0, 65535).optional(),
  VOUCHSAFE_HOST: z.string().min(1).default('127.0.0.1'),
  VOUCHSAFE_ADMIN_KEY: z.string().regex(ADMIN_KEY, `expected ${ADMIN_KEY_RULE}`).optional(),
  VOUCHSAFE_CODE_KEYS: z.string().min(1).optional(),
  VOUCHSAFE_CURRENCY: z.string().refine(isCurrency, 'expected an ISO 4217 code such as USD').default('USD'),
  VOUCHSAFE_REGION: z.string().refine(isSupportedCountry, 'expected an ISO 3166 code such as IR').optional(),
  VOUCHSAFE_WEB_UI_URL: address(['http:', 'https:']).optional(),
  VOUCHSAFE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('warn'),
  GIFT_CODE_DATABASE_URL: database.optional(),
  WALLET_DATABASE_URL: database.optional(),
  GATEWAY_DATABASE_URL: database.optional(),
  GIFT_CODE_URL: base.optional(),
  WALLET_URL: base.optional(),
  VOUCHSAFE_PARTS_KEY: z.string().regex(ADMIN_KEY, `expected ${ADMIN_KEY_RULE}`).optional(),
  REDIS_URL: address(['redis:', 'rediss:']).optional(),
  NATS_URL: natsAddresses.optional(),
  NATS_CREDS: file.optional(),
  NATS_CA: file.optional(),
  NATS_CERT: file.optional(),
  NATS_KEY: file.optional(),
  NATS_STREAM: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, underscores and dashes')
    .default('VOUCHSAFE'),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^([^:\s/[\]]+|\[[\da-f:.]+\]):\d{1,5}$/i, 'expected host:port')
    .refine((address) => Number(address.slice(address.lastIndexOf(':') + 1)) <= 65_535, 'expected a port up to 65535')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_TASK_QUEUE: z
    .string()
    .regex(/^[^'\\]{1,200}$/, 'expected 1 to 200 characters without quotes and backslashes')
    .default('vouchsafe'),
  VOUCHSAFE_BATCH_MAX: integer(256, 1, 1024),
  VOUCHSAFE_BATCHES_IN_FLIGHT: integer(2, 1, 64),
  VOUCHSAFE_GATEWAY_YOUNG_GENERATION_MB: integer(96, 16, 4_096),
  VOUCHSAFE_STEP_TIMEOUT_MS: integer(5_000, 50, 120_000),
  VOUCHSAFE_STEP_ATTEMPTS: integer(3, 1, 20),
  VOUCHSAFE_RETRY_MAX_MS: integer(10_000, 50, 10_000),
  VOUCHSAFE_GENERATION_CHUNK: integer(5_000, 1, 20_000),
  VOUCHSAFE_SWEEP_AFTER_MS: integer(60_000, 100, 3_600_000),
  VOUCHSAFE_SWEEP_EVERY_MS: integer(30_000, 1_000, 3_600_000),
  VOUCHSAFE_START_TIMEOUT_MS: integer(5_000, 100, 60_000),
  VOUCHSAFE_PROXIES: integer(0, 0, 10),
  VOUCHSAFE_RATE_LIMIT: integer(0, 0, 1_000_000),
  VOUCHSAFE_FIRST_LOCKOUT_MS: integer(1_000, 100, 600_000),
  VOUCHSAFE_WRONG_CODES_PER_PHONE: integer(5, 1, 1_000_000),
  VOUCHSAFE_WRONG_CODES_PER_ADDRESS: integer(50, 1, 1_000_000),
  VOUCHSAFE_WRONG_CODES_PER_KEY: integer(500, 1, 1_000_000),
  VOUCHSAFE_OUTBOX_KEPT_HOURS: integer(168, 72, 8_760),
  VOUCHSAFE_WEBHOOKS_PRIVATE: z.enum(['true', 'false']).optional(),
  VOUCHSAFE_WEBHOOKS_PER_ENDPOINT: integer(4, 1, 64),
  VOUCHSAFE_WEBHOOKS_TIMEOUT_MS: integer(15_000, 50, 60_000),
  VOUCHSAFE_WEBHOOKS_BACKOFF_MS: intervals(BACKOFF_OF_A_DAY_MS),
});

/** Where a process listens, by what runs in it, unless PORT says otherwise. */
export const PORTS = { gateway: 8080, wallet: 8081, 'gift-code': 8082 } as const;

const HOUR_MS = 3_600_000;
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** The whole configuration of a process, parsed once at its start. Times are in milliseconds. */
export interface Config {
  home: string;
  host: string;
  /** Where none is set, it depends on what runs in the process. */
  port: number | undefined;
  adminKey: string | undefined;
  codeKeys: string | undefined;
  currency: string;
  region: string | undefined;
  webUiUrl: string | undefined;
  logLevel: string;
  given: ServerAddresses;
  /** Where a gateway that runs apart finds the other parts, and the key by which it is known to them. */
  parts: { giftCodeUrl: string | undefined; walletUrl: string | undefined; key: string | undefined };
  nats: NatsSettings;
  temporal: TemporalSettings;
  dispatcher: { batchMax: number; batchesInFlight: number; startTimeoutMs: number };
  /** MB for what V8 has just allocated in a gateway's thread: requests under way, mostly. */
  gateway: { youngGenerationMb: number };
  steps: { timeoutMs: number; attempts: number; retryMaxMs: number };
  /** Codes written in one transaction of a generation. */
  generation: { chunk: number };
  sweep: { afterMs: number; everyMs: number };
  /** How long events stay in the outbox, once published. */
  outboxKeptMs: number;
  webhooks: {
    /** Endpoints may be in private networks, and without https: so where everything is this machine's own. */
    allowPrivate: boolean;
    /** Deliveries under way at the same time to one endpoint, from one process. */
    perEndpoint: number;
    timeoutMs: number;
    /** Before the second attempt, the third, and so on; after the last one a delivery is dead. */
    backoffMs: number[];
    /** How long ended deliveries are kept: longer than the outbox can bring their events back. */
    keptMs: number;
  };
  /** Reverse proxies in front, whose word on where a request came from is taken. */
  proxies: number;
  /** Most requests a second of an API client, all gateways together; 0: no limit. */
  rateLimit: number;
  guesses: Record<'phone' | 'address' | 'client', GuessLimit>;
}

export interface NatsSettings {
  stream: string;
  /** Holds what to sign in with, where NATS_URL does not. */
  credsFile: string | undefined;
  /** Set where the connection has to be encrypted. */
  tls: { caFile?: string; certFile?: string; keyFile?: string } | undefined;
}

export interface TemporalSettings {
  namespace: string;
  taskQueue: string;
  /** How to sign in at TEMPORAL_ADDRESS. */
  signIn: { tls?: TLSConfig | true; apiKey?: string; metadata?: Metadata };
}

/** How many wrong codes are let pass. */
export interface GuessLimit {
  /** Wrong codes at once before the first lock-out. */
  allowance: number;
  /** A wrong code is forgiven after each such time. Milliseconds. */
  forgivenEveryMs: number;
  /** Lock-outs double, from the first up to the longest. Milliseconds. */
  firstMs: number;
  longestMs: number;
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
  if (!v.NATS_CERT !== !v.NATS_KEY) throw new ConfigError('NATS_CERT cannot be used: it and NATS_KEY go together');
  const isLocal =
    LOOPBACK.includes(v.VOUCHSAFE_HOST) &&
    !v.GATEWAY_DATABASE_URL &&
    !v.GIFT_CODE_DATABASE_URL &&
    !v.WALLET_DATABASE_URL;
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
    parts: { giftCodeUrl: v.GIFT_CODE_URL, walletUrl: v.WALLET_URL, key: v.VOUCHSAFE_PARTS_KEY },
    nats: {
      stream: v.NATS_STREAM,
      credsFile: v.NATS_CREDS,
      tls:
        v.NATS_CA || v.NATS_CERT || v.NATS_URL?.includes('tls://')
          ? {
              ...(v.NATS_CA && { caFile: v.NATS_CA }),
              ...(v.NATS_CERT && v.NATS_KEY && { certFile: v.NATS_CERT, keyFile: v.NATS_KEY }),
            }
          : undefined,
    },
    temporal: {
      namespace: v.TEMPORAL_NAMESPACE,
      taskQueue: v.TEMPORAL_TASK_QUEUE,
      // A private one asks for nothing.
      signIn: v.TEMPORAL_ADDRESS ? temporalSignIn(present as Record<string, string>) : {},
    },
    dispatcher: {
      batchMax: v.VOUCHSAFE_BATCH_MAX,
      batchesInFlight: v.VOUCHSAFE_BATCHES_IN_FLIGHT,
      startTimeoutMs: v.VOUCHSAFE_START_TIMEOUT_MS,
    },
    gateway: { youngGenerationMb: v.VOUCHSAFE_GATEWAY_YOUNG_GENERATION_MB },
    steps: {
      timeoutMs: v.VOUCHSAFE_STEP_TIMEOUT_MS,
      attempts: v.VOUCHSAFE_STEP_ATTEMPTS,
      retryMaxMs: v.VOUCHSAFE_RETRY_MAX_MS,
    },
    generation: { chunk: v.VOUCHSAFE_GENERATION_CHUNK },
    sweep: { afterMs: v.VOUCHSAFE_SWEEP_AFTER_MS, everyMs: v.VOUCHSAFE_SWEEP_EVERY_MS },
    proxies: v.VOUCHSAFE_PROXIES,
    rateLimit: v.VOUCHSAFE_RATE_LIMIT,
    guesses: {
      phone: {
        allowance: v.VOUCHSAFE_WRONG_CODES_PER_PHONE,
        forgivenEveryMs: 60_000,
        firstMs: v.VOUCHSAFE_FIRST_LOCKOUT_MS,
        longestMs: 3_600_000,
      },
      address: {
        allowance: v.VOUCHSAFE_WRONG_CODES_PER_ADDRESS,
        forgivenEveryMs: 2_000,
        firstMs: v.VOUCHSAFE_FIRST_LOCKOUT_MS,
        longestMs: 900_000,
      },
      // A key serves many customers, honest ones among them.
      client: {
        allowance: v.VOUCHSAFE_WRONG_CODES_PER_KEY,
        forgivenEveryMs: 200,
        firstMs: v.VOUCHSAFE_FIRST_LOCKOUT_MS,
        longestMs: 60_000,
      },
    },
    outboxKeptMs: v.VOUCHSAFE_OUTBOX_KEPT_HOURS * HOUR_MS,
    webhooks: {
      allowPrivate: v.VOUCHSAFE_WEBHOOKS_PRIVATE === undefined ? isLocal : v.VOUCHSAFE_WEBHOOKS_PRIVATE === 'true',
      perEndpoint: v.VOUCHSAFE_WEBHOOKS_PER_ENDPOINT,
      timeoutMs: v.VOUCHSAFE_WEBHOOKS_TIMEOUT_MS,
      backoffMs: v.VOUCHSAFE_WEBHOOKS_BACKOFF_MS,
      keptMs: (v.VOUCHSAFE_OUTBOX_KEPT_HOURS + 24) * HOUR_MS,
    },
  };
}

/** As the environment says it to all of Temporal's tools; see https://docs.temporal.io/develop/environment-configuration. */
function temporalSignIn(environment: Record<string, string>): TemporalSettings['signIn'] {
  try {
    const profile = loadClientConfigProfile({ disableFile: true, overrideEnvVars: environment });
    if (!profile.tls?.clientCert !== !profile.tls?.clientKey) {
      throw new ConfigError('a client certificate and its key go together');
    }
    const { tls, apiKey, metadata } = toClientOptions(profile).connectionOptions;
    return { ...(tls && { tls }), ...(apiKey && { apiKey: String(apiKey) }), ...(metadata && { metadata }) };
  } catch (error) {
    throw new ConfigError(`TEMPORAL_TLS_* cannot be used: ${(error as Error).message}`);
  }
}

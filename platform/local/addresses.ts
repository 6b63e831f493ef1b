import { SetUpError } from './set-up-error.ts';

/** Addresses of servers that somebody else runs, from the environment. What is missing is started here. */
export interface ServerAddresses {
  giftCodeDatabaseUrl?: string | undefined;
  walletDatabaseUrl?: string | undefined;
  gatewayDatabaseUrl?: string | undefined;
  redisUrl?: string | undefined;
  natsUrl?: string | undefined;
  /** host:port */
  temporalAddress?: string | undefined;
}

const DATABASE = {
  form: /^postgres(ql)?:\/\/[^/\s]+\/[^/\s]+$/,
  example: 'postgresql://role:password@host:5432/database',
};

const FORMS: Record<keyof ServerAddresses, { variable: string; form: RegExp; example: string }> = {
  giftCodeDatabaseUrl: { variable: 'GIFT_CODE_DATABASE_URL', ...DATABASE },
  walletDatabaseUrl: { variable: 'WALLET_DATABASE_URL', ...DATABASE },
  gatewayDatabaseUrl: { variable: 'GATEWAY_DATABASE_URL', ...DATABASE },
  redisUrl: { variable: 'REDIS_URL', form: /^rediss?:\/\/\S+$/, example: 'redis://host:6379' },
  natsUrl: { variable: 'NATS_URL', form: /^(nats|tls):\/\/\S+$/, example: 'nats://host:4222' },
  temporalAddress: { variable: 'TEMPORAL_ADDRESS', form: /^[^\s/:]+:\d{1,5}$/, example: 'host:7233' },
};

/** @throws SetUpError when an address does not have its form. The message leaves the address out, for it may hold a password. */
export function assertAddresses(given: ServerAddresses): void {
  for (const [key, { variable, form, example }] of Object.entries(FORMS)) {
    const address = given[key as keyof ServerAddresses];
    if (address === undefined || (form.test(address) && (!address.includes('://') || URL.canParse(address)))) continue;
    throw new SetUpError(
      `${variable} is not an address of the form ${example}. Correct it; where it is not set, npm start starts a private server.`,
    );
  }
}

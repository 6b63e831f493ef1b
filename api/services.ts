import type { Client } from '@temporalio/client';
import type { GatewayDatabase } from '../domains/gateway/database.ts';
import type { GiftCodePart } from '../domains/gift-code/operations.ts';
import type { WalletPart } from '../domains/wallet/operations.ts';
import type { CodeKeys } from '../platform/code-keys.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { RedeemOptions, SagaPart } from '../workflows/contracts.ts';
import type { Cached } from './cached.ts';
import type { GivenCodeLengths } from './given-code-lengths.ts';
import type { Guesses } from './guesses/guesses.ts';
import type { Callers } from './keys/callers.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Reconciler } from './reconciliations/reconciler.ts';
import type { Breaker } from './redemptions/breaker.ts';
import type { TraceUrl } from './redemptions/redemption-json.ts';
import type { Redemptions } from './redemptions/redemptions.ts';

/** What the operations stand on. */
export interface Services {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  gateway: GatewayDatabase;
  giftCode: GiftCodePart;
  wallet: WalletPart;
  temporal: Client;
  callers: Callers;
  /** None, where none is configured. */
  rateLimit: RateLimit | null;
  guesses: Guesses;
  cached: Cached;
  reconciler: Reconciler;
  codeKeys: CodeKeys;
  givenCodeLengths: GivenCodeLengths;
  redemptions: Redemptions;
  breaker: Breaker;
  /** Addresses of servers that are asked only how they are. */
  servers: { nats: string; redis: string | null };
  traceUrl: TraceUrl;
  /** How the saga is run, for those who start it themselves. */
  redeemOptions: RedeemOptions;
  /** Events were written outside the saga: the relay need not wait for its poll. */
  wrote(part: SagaPart): void;
  /** Webhook endpoints or deliveries were written: their workers need not wait for their poll. */
  webhooksChanged(): void;
}

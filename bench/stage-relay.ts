import { readConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { type Relay, startRelay } from '../workers/relay.ts';
import type { SagaPart } from '../workflows/contracts.ts';
import type { Stage } from './stage.ts';

/** Starts a part's relay over the stage's servers, in this process. */
export function startStageRelay({ urls }: Stage, part: SagaPart): Relay {
  const { nats, outboxKeptMs } = readConfig();
  return startRelay({
    part,
    databaseUrl: part === 'gift-code' ? urls.giftCodeDatabase : urls.walletDatabase,
    natsUrl: urls.nats,
    nats,
    keptMs: outboxKeptMs,
    logger: createLogger('warn'),
  });
}

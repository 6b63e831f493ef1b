import { startGeneration } from '../../../activities/start-generation.ts';
import { within } from '../../../platform/within.ts';
import type { GenerationOrder } from '../../../workflows/contracts.ts';
import type { Services } from '../../services.ts';

/** Codes made while the request waits; more are made in the background. */
export const CODES_AT_ONCE = 1_000;
/** Codes of one request. */
export const MAX_GENERATED = 1_000_000;

const START_MS = 2_000;

/** Has a generation worked on. It is written down already: where the start fails or takes long, the sweeper starts it. */
export async function startOrLeave(services: Services, order: GenerationOrder): Promise<void> {
  const { temporal, config, redeemOptions, logger } = services;
  const started = startGeneration(temporal, config.temporal.taskQueue, order, redeemOptions).catch((error: unknown) =>
    logger.warn({ err: error, generation: order.generationId }, 'a generation waits for the sweeper'),
  );
  await within(START_MS, started);
}

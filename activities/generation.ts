import { Context } from '@temporalio/activity';
import type { GiftCodeDatabase } from '../domains/gift-code/database.ts';
import { endGeneration } from '../domains/gift-code/end-generation.ts';
import { generateCodes } from '../domains/gift-code/generate-codes.ts';
import type { CodeKeys } from '../platform/code-keys.ts';
import type { GenerationActivities } from '../workflows/contracts.ts';
import { BrokenInvariant, orFailure } from './failures.ts';

/** Chunks made by one activity: few enough that generations take turns, many enough that a million codes are a short history. */
const CHUNKS = 40;

/** Makes codes in the background. Each chunk is a transaction and a heartbeat. */
export function generationActivities(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  limits: { chunk: number; timeoutMs: number },
  relay: { wake(): void },
): GenerationActivities {
  const answered = <T>(work: () => Promise<T | undefined>): Promise<T> =>
    orFailure('gift-code', async () => {
      const result = await work();
      if (result === undefined) throw new BrokenInvariant('there is no such generation');
      relay.wake();
      return result;
    });
  return {
    generateCodes: (generationId) =>
      answered(() =>
        generateCodes(db, keys, generationId, { ...limits, chunks: CHUNKS }, ({ made }) => {
          const context = Context.current();
          context.heartbeat(made);
          // Cancelled, or the worker is leaving: what was made stays, and whoever comes next goes on from there.
          return !context.cancellationSignal.aborted;
        }),
      ),
    endGeneration: (generationId, state) => answered(() => endGeneration(db, generationId, state, limits.timeoutMs)),
  };
}

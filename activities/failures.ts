import { ApplicationFailure } from '@temporalio/common';
import { DataError } from '../platform/database-errors.ts';
import { POISON, type SagaPart } from '../workflows/contracts.ts';

/**
 * What an activity throws: every failure may be retried, and its type tells an outage from an input that the database
 * refuses. The message is what an operator reads in the Web UI.
 */
function asFailure(part: SagaPart, error: unknown): ApplicationFailure {
  const message = error instanceof Error ? error.message : String(error);
  return ApplicationFailure.create({
    message: `${part}: ${message}`,
    type: error instanceof DataError || error instanceof BrokenInvariant ? POISON : 'unavailable',
    ...(error instanceof Error && { cause: error }),
  });
}

/** Does an activity's work for a part. @throws ApplicationFailure, which may be retried */
export async function orFailure<T>(part: SagaPart, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asFailure(part, error);
  }
}

/** A state that the design rules out. Nobody can decide here; the redemption stays where it is, for a person to look at. */
export class BrokenInvariant extends Error {
  override name = 'BrokenInvariant';
}

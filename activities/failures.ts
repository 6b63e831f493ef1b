import { ApplicationFailure } from '@temporalio/common';
import { DatabaseUnavailable, DataError } from '../platform/database-errors.ts';
import { type Part, POISON } from '../workflows/contracts.ts';

/**
 * What an activity throws: every failure may be retried, and its type tells an outage from an input that the database
 * refuses. The message is what an operator reads in the Web UI.
 */
export function asFailure(part: Part, error: unknown): ApplicationFailure {
  const message = error instanceof Error ? error.message : String(error);
  const type = error instanceof DataError || error instanceof BrokenInvariant ? POISON : 'unavailable';
  return ApplicationFailure.create({
    message: `${part}: ${message}`,
    type: error instanceof DatabaseUnavailable ? 'database-unavailable' : type,
    ...(error instanceof Error && { cause: error }),
  });
}

/** A state that the design rules out. Nobody can decide here; the redemption stays where it is, for a person to look at. */
export class BrokenInvariant extends Error {
  override name = 'BrokenInvariant';
}

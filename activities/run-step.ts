import type { SagaPart, StepName } from '../workflows/contracts.ts';
import { orFailure } from './failures.ts';
import type { Progress } from './progress.ts';

/** Runs a step, turns its errors into failures that Temporal retries, and leaves word of it. */
export function runStep<T>(
  progress: Progress,
  part: SagaPart,
  step: StepName | 'reverse',
  ids: string[],
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  return orFailure(part, async () => {
    const result = await work();
    if (step === 'reserve' || step === 'credit' || step === 'confirm') {
      progress.took(ids, step, performance.now() - startedAt);
    }
    progress.wrote();
    return result;
  });
}

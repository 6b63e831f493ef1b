import type { SagaPart } from '../../workflows/contracts.ts';

/** What redemptions cannot do without. */
export type Dependency = SagaPart | 'temporal';

export interface Breaker {
  /** Those that do not answer: nobody is let in while there are any. */
  broken(): Dependency[];
  open(dependency: Dependency): void;
  close(): void;
}

const PROBE_EVERY_MS = 1_000;

/**
 * Keeps customers away from what failed, until it answers again. It is asked at once, since it may be well but for what one
 * redemption waits for, and then by a timer, a part with steps for nobody; customers are never the probe.
 */
export function createBreaker(
  probe: (dependency: Dependency) => Promise<unknown>,
  onChange: (dependency: Dependency, isOpen: boolean) => void,
): Breaker {
  const timers = new Map<Dependency, NodeJS.Timeout>();
  const ask = async (dependency: Dependency) => {
    try {
      await probe(dependency);
    } catch {
      if (timers.has(dependency)) timers.set(dependency, setTimeout(ask, PROBE_EVERY_MS, dependency).unref());
      return;
    }
    if (timers.delete(dependency)) onChange(dependency, false);
  };
  return {
    broken: () => [...timers.keys()],
    open(dependency) {
      if (timers.has(dependency)) return;
      timers.set(dependency, setTimeout(ask, 0, dependency).unref());
      onChange(dependency, true);
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}

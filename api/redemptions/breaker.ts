import type { Part } from '../../workflows/contracts.ts';

export interface Breaker {
  /** Parts that do not answer: nobody is let in while there are any. */
  broken(): Part[];
  open(part: Part): void;
  close(): void;
}

const PROBE_EVERY_MS = 1_000;

/**
 * Keeps customers away from a part that failed, until it answers again. A timer asks it, with a step for nobody;
 * customers are never the probe.
 */
export function createBreaker(
  probe: (part: Part) => Promise<void>,
  onChange: (part: Part, isOpen: boolean) => void,
): Breaker {
  const timers = new Map<Part, NodeJS.Timeout>();
  const ask = async (part: Part) => {
    try {
      await probe(part);
    } catch {
      if (timers.has(part)) timers.set(part, setTimeout(ask, PROBE_EVERY_MS, part).unref());
      return;
    }
    if (timers.delete(part)) onChange(part, false);
  };
  return {
    broken: () => [...timers.keys()],
    open(part) {
      if (timers.has(part)) return;
      timers.set(part, setTimeout(ask, PROBE_EVERY_MS, part).unref());
      onChange(part, true);
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}

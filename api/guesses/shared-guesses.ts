import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { newId } from '../../platform/ids.ts';
import { openWaiting } from '../../platform/redis.ts';

export interface SharedGuesses {
  /** Tells the other gateways of a wrong guess, if Redis is there. */
  tell(subjects: string[]): void;
  close(): Promise<void>;
}

const STREAM = 'vouchsafe:wrong-guesses';
/** Entries kept, about: what a gateway that starts reads. */
const KEPT = 20_000;
const BLOCK_MS = 2_000;
const READ_AT_ONCE = 1_000;
const RETRY_MS = 500;

type Entries = [id: string, fields: string[]][];

/**
 * The wrong guesses of all gateways, in a Redis stream that each of them writes to and reads: so each counts the same, and
 * one that starts reads what came before it. While Redis is away each counts its own; what Redis forgets they still know.
 * @param hear is given the wrong guesses of others, and how long ago each was, in milliseconds
 */
export function shareGuesses(redis: Redis, hear: (subjects: string[], agoMs: number) => void): SharedGuesses {
  const own = newId();
  const reader = openWaiting(redis);
  let closing = false;
  let last = '0-0';

  const readOn = async () => {
    const reply = (await reader.xread('COUNT', READ_AT_ONCE, 'BLOCK', BLOCK_MS, 'STREAMS', STREAM, last)) as
      | [string, Entries][]
      | null;
    const entries = reply?.[0]?.[1] ?? [];
    if (entries.length === 0) return;
    const nowMs = await redisNowMs(reader);
    for (const [id, [, origin, , subjects = '[]']] of entries) {
      last = id;
      if (origin !== own) hear(JSON.parse(subjects), Math.max(0, nowMs - Number.parseInt(id, 10)));
    }
  };
  const finished = (async () => {
    while (!closing) {
      try {
        await readOn();
      } catch {
        if (!closing) await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  })();

  return {
    tell(subjects) {
      redis
        .xadd(STREAM, 'MAXLEN', '~', KEPT, '*', 'origin', own, 'subjects', JSON.stringify(subjects))
        .catch(() => undefined);
    },
    async close() {
      closing = true;
      reader.disconnect();
      await finished;
    },
  };
}

/** Entries carry Redis's time, which need not be ours. */
async function redisNowMs(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}

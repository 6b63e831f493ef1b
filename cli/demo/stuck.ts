import { setTimeout as sleep } from 'node:timers/promises';
import type { Redemption } from '../api-types.ts';
import { CliError, EXIT } from '../errors.ts';
import { moneyText } from '../output.ts';
import { fictitiousPhones, heading, readRedemption, redeem, type Stage } from './stage.ts';
import { withDatabase } from './wallet-database.ts';

const STUCK_WITHIN_MS = 120_000;
const HEALED_WITHIN_MS = 60_000;
const POLL_MS = 500;

/**
 * Makes one redemption stuck by locking its wallet's row, so that its credit cannot get through, shows where it waits
 * and that others do not, then lets go. Needs the wallet database, so it is left out on a remote server.
 */
export async function stuckAndHealed(stage: Stage): Promise<void> {
  const { out, settings } = stage.cli;
  heading(stage, 'A redemption gets stuck, is seen, and heals');
  const { walletDatabaseUrl } = settings();
  if (walletDatabaseUrl === undefined) {
    out.line('left out: it locks a row of the wallet database, and only a server started here tells where that is');
    return;
  }
  const stuck = await whileLocked(walletDatabaseUrl, stage.phone, () => getStuck(stage));
  out.line('the lock is gone; nobody retries by hand');
  const released = performance.now();
  const healed = await until(stage, stuck.id, HEALED_WITHIN_MS, ({ state }) => state === 'completed');
  out.details({
    state: `${healed.state} ${Math.round((performance.now() - released) / 1000)} s later`,
    wallet: moneyText(healed.wallet?.balance),
  });
}

/** Holds the lock on the phone's wallets during `work`. */
function whileLocked<T>(databaseUrl: string, phone: string, work: () => Promise<T>): Promise<T> {
  return withDatabase(databaseUrl, async (database) => {
    await database.query('begin');
    await database.query('select 1 from wallets where phone = $1 for update', [phone]);
    return work();
  });
}

async function getStuck(stage: Stage): Promise<Redemption> {
  const { out } = stage.cli;
  const accepted = await redeem(stage, stage.nextCode().code, stage.phone, 1);
  out.details({ redemption: accepted.id, state: accepted.state, because: `the row of ${stage.phone} is locked` });
  const waiting = await until(stage, accepted.id, STUCK_WITHIN_MS, ({ stuck }) => !!stuck?.last_error);
  out.details({
    'stuck in': waiting.stuck?.step,
    attempts: waiting.stuck?.attempts,
    'last error': waiting.stuck?.last_error,
    'next attempt': waiting.stuck?.next_attempt_at,
    trace: waiting.trace_url ?? undefined,
  });
  const [other = ''] = fictitiousPhones(1);
  const started = performance.now();
  const { state } = await redeem(stage, stage.nextCode().code, other);
  out.details({ meanwhile: `another phone: ${state} in ${Math.round(performance.now() - started)} ms` });
  return waiting;
}

async function until(
  stage: Stage,
  id: string,
  withinMs: number,
  holds: (redemption: Redemption) => boolean,
): Promise<Redemption> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const redemption = await readRedemption(stage, id);
    if (holds(redemption)) return redemption;
    if (performance.now() > deadline) {
      throw new CliError(EXIT.refused, `redemption ${id} is still ${redemption.state} after ${withinMs / 1000} s`);
    }
    await sleep(POLL_MS);
  }
}

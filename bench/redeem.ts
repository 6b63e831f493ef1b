import { assertExact, countEvents, drainOutboxes } from './books.ts';
import { closedLoop, type LoopResult } from './closed-loop.ts';
import { measureFloor } from './floor.ts';
import { rounded } from './latencies.ts';
import { measureNaive, NAIVE_CLIENTS } from './naive.ts';
import { defineBench } from './options.ts';
import { openRedeemers } from './redeemers.ts';
import { seedOrders } from './seed.ts';
import { startServiceProcess, WARM_UP_SECONDS } from './service-process.ts';
import type { Stage } from './stage.ts';
import { windowRate } from './window-rate.ts';

/** More than two cores do in a second. */
const CODES_PER_SECOND = 5_000;
const FLOOR_SECONDS = 5;
const NAIVE_SECONDS = 10;
/** From so many seconds on, beginning and end are told apart. */
const LONG_SECONDS = 60;
const WINDOW_SECONDS = 20;

/**
 * The whole service under load: unique codes and many phones over HTTP, the relay running; what it did is checked in the
 * databases and in the stream. Beside it, on the same servers, the databases alone and a workflow per redemption: these
 * two have the machine for themselves.
 */
export const redeem = defineBench({
  defaults: { clients: 256, seconds: 20 },
  async run(stage, { clients, seconds }) {
    const service = await measureService(stage, clients, seconds);
    const { perSecond, latencies, eachSecond } = service;
    const floorPerSecond = await measureFloor(stage, FLOOR_SECONDS);
    const naivePerSecond = await measureNaive(stage, NAIVE_CLIENTS, NAIVE_SECONDS);
    return {
      per_second: rounded(perSecond, 0),
      clients,
      p50_ms: rounded(latencies.percentile(50)),
      p95_ms: rounded(latencies.percentile(95)),
      p99_ms: rounded(latencies.percentile(99)),
      errors: service.failed,
      rss_mib: rounded(service.rssMib, 0),
      ...(seconds >= LONG_SECONDS && {
        first_20s_per_second: rounded(windowRate(eachSecond, 0, WINDOW_SECONDS), 0),
        last_20s_per_second: rounded(windowRate(eachSecond, -WINDOW_SECONDS), 0),
        rss_first_mib: rounded(service.rssFirstMib, 0),
        rss_last_mib: rounded(service.rssLastMib, 0),
      }),
      outbox_drain_seconds: rounded(service.drainSeconds),
      floor_per_second: rounded(floorPerSecond, 0),
      naive_per_second: rounded(naivePerSecond),
      ratio_to_floor: rounded(perSecond / floorPerSecond),
      ratio_to_naive: rounded(perSecond / naivePerSecond),
    };
  },
});

interface ServiceResult extends LoopResult {
  /** At most. */
  rssMib: number;
  /** After the first seconds of the measurement, and at its end. */
  rssFirstMib: number;
  rssLastMib: number;
  /** From the last answer until every event was in the stream. */
  drainSeconds: number;
}

async function measureService(stage: Stage, clients: number, seconds: number): Promise<ServiceResult> {
  const orders = await seedOrders(stage, (WARM_UP_SECONDS + seconds) * CODES_PER_SECOND);
  const seededEvents = await countEvents(stage);
  stage.progress('Starting the service');
  const service = await startServiceProcess(stage);
  try {
    const redeemers = await openRedeemers([service], clients);
    stage.progress(`Redeem: ${clients} clients, ${WARM_UP_SECONDS} + ${seconds} s`);
    const loop = { clients, warmUpSeconds: WARM_UP_SECONDS, seconds, signal: stage.signal };
    let rssFirstMib = 0;
    const firstEnds = setTimeout(
      () => {
        rssFirstMib = service.rssMib();
      },
      (WARM_UP_SECONDS + WINDOW_SECONDS) * 1_000,
    ).unref();
    const result = await closedLoop(loop, orders, redeemers.redeem);
    clearTimeout(firstEnds);
    const rss = { rssMib: service.peakRssMib(), rssFirstMib, rssLastMib: service.rssMib() };
    redeemers.close();
    if (orders.length === 0) throw new Error('the codes were used up before the time was');
    stage.progress(`${rounded(result.perSecond, 0)} redemptions a second, ${result.failed} errors`);
    const drainSeconds = await drainOutboxes(stage, seededEvents);
    await assertExact(stage, result.done, result.failed);
    return { ...result, ...rss, drainSeconds };
  } finally {
    await service.stop();
  }
}

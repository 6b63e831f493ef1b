import { assertExact, countEvents, drainOutboxes } from './books.ts';
import { closedLoop, type LoopResult } from './closed-loop.ts';
import { measureFloor } from './floor.ts';
import { rounded } from './latencies.ts';
import { measureNaive, NAIVE_CLIENTS } from './naive.ts';
import { defineBench } from './options.ts';
import { openRedeemer } from './redeemer.ts';
import { seedOrders } from './seed.ts';
import { startServiceProcess } from './service-process.ts';
import type { Stage } from './stage.ts';

const WARM_UP_SECONDS = 3;
/** More than two cores do in a second. */
const CODES_PER_SECOND = 5_000;
const FLOOR_SECONDS = 5;
const NAIVE_SECONDS = 10;

/**
 * The whole service under load: unique codes and many phones over HTTP, the relay running; what it did is checked in the
 * databases and in the stream. Beside it, on the same servers, the databases alone and a workflow per redemption: these
 * two have the machine for themselves.
 */
export const redeem = defineBench({
  defaults: { clients: 256, seconds: 20 },
  async run(stage, { clients, seconds }) {
    const { perSecond, latencies, failed, rssMib, drainSeconds } = await measureService(stage, clients, seconds);
    const floorPerSecond = await measureFloor(stage, FLOOR_SECONDS);
    const naivePerSecond = await measureNaive(stage, NAIVE_CLIENTS, NAIVE_SECONDS);
    return {
      per_second: rounded(perSecond, 0),
      clients,
      p50_ms: rounded(latencies.percentile(50)),
      p95_ms: rounded(latencies.percentile(95)),
      p99_ms: rounded(latencies.percentile(99)),
      errors: failed,
      rss_mib: rounded(rssMib, 0),
      outbox_drain_seconds: rounded(drainSeconds),
      floor_per_second: rounded(floorPerSecond, 0),
      naive_per_second: rounded(naivePerSecond),
      ratio_to_floor: rounded(perSecond / floorPerSecond),
      ratio_to_naive: rounded(perSecond / naivePerSecond),
    };
  },
});

interface ServiceResult extends LoopResult {
  rssMib: number;
  /** From the last answer until every event was in the stream. */
  drainSeconds: number;
}

async function measureService(stage: Stage, clients: number, seconds: number): Promise<ServiceResult> {
  const orders = await seedOrders(stage, (WARM_UP_SECONDS + seconds) * CODES_PER_SECOND);
  const seededEvents = await countEvents(stage);
  stage.progress('Starting the service');
  const service = await startServiceProcess(stage);
  try {
    const redeemers = await Promise.all(Array.from({ length: clients }, () => openRedeemer(service)));
    stage.progress(`Redeem: ${clients} clients, ${WARM_UP_SECONDS} + ${seconds} s`);
    const loop = { clients, warmUpSeconds: WARM_UP_SECONDS, seconds, signal: stage.signal };
    const result = await closedLoop(loop, orders, async (order, client) => !!(await redeemers[client]?.redeem(order)));
    const rssMib = service.peakRssMib();
    for (const redeemer of redeemers) redeemer.close();
    stage.progress(`${rounded(result.perSecond, 0)} redemptions a second, ${result.failed} errors`);
    const drainSeconds = await drainOutboxes(stage, seededEvents);
    await assertExact(stage, result.done, result.failed);
    return { ...result, rssMib, drainSeconds };
  } finally {
    await service.stop();
  }
}

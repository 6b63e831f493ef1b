import { closedLoop } from './closed-loop.ts';
import { rounded } from './latencies.ts';
import { defineBench } from './options.ts';
import { type Order, seedOrders } from './seed.ts';
import { settle } from './settle.ts';
import type { Stage } from './stage.ts';

const BATCH = 256;
const CONNECTIONS = 2;
/** More than the databases of two cores do in a second. */
const CODES_PER_SECOND = 12_000;

/** The databases alone: the saga's functions in batches, on two connections of each database, without Temporal and HTTP. */
export const floor = defineBench({
  defaults: { seconds: 5 },
  async run(stage, { seconds }) {
    return { per_second: rounded(await measureFloor(stage, seconds), 0) };
  },
});

/** @returns redemptions a second */
export async function measureFloor(stage: Stage, seconds: number): Promise<number> {
  const orders = await seedOrders(stage, seconds * CODES_PER_SECOND);
  stage.progress(`Floor: ${CONNECTIONS} connections, batches of ${BATCH}, ${seconds} s`);
  const batches: Order[][] = [];
  while (orders.length >= BATCH) batches.push(orders.splice(-BATCH));
  const loop = { clients: CONNECTIONS, warmUpSeconds: 0, seconds, signal: stage.signal };
  const { perSecond } = await closedLoop(loop, batches, (batch) => settle(stage, batch));
  return perSecond * BATCH;
}

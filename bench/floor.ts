import { confirm } from '../domains/gift-code/confirm.ts';
import { reserve } from '../domains/gift-code/reserve.ts';
import { credit } from '../domains/wallet/credit.ts';
import { newId } from '../platform/ids.ts';
import { closedLoop } from './closed-loop.ts';
import { rounded } from './latencies.ts';
import { defineBench } from './options.ts';
import { CLIENT_ID, type Order, seedOrders } from './seed.ts';
import type { Stage } from './stage.ts';

const BATCH = 256;
const CONNECTIONS = 2;
const TIMEOUT_MS = 30_000;
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

async function settle({ giftCode, wallet }: Stage, batch: Order[]): Promise<boolean> {
  const items = batch.map((order) => ({ ...order, redemptionId: newId(), clientId: CLIENT_ID, at: Date.now() }));
  const ids = items.map((item) => item.redemptionId);
  const verdicts = await reserve(giftCode, items, 'bench', TIMEOUT_MS);
  const credits = items.map(({ redemptionId, walletId }, index) => {
    const { amount, currency } = verdicts[index] ?? {};
    return { redemptionId, walletId, amount: amount ?? 0n, currency: currency ?? '' };
  });
  await credit(wallet, credits, TIMEOUT_MS);
  const rows = await confirm(giftCode, ids, 'bench', TIMEOUT_MS);
  return rows.filter((row) => row.state === 'completed').length === BATCH;
}

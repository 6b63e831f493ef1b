import { assertExact } from './books.ts';
import { closedLoop } from './closed-loop.ts';
import { type Latencies, rounded } from './latencies.ts';
import { defineBench } from './options.ts';
import { openRedeemers, type Redeemers } from './redeemers.ts';
import { type Order, seedCoupon } from './seed.ts';
import { startServiceProcess } from './service-process.ts';
import type { Stage } from './stage.ts';

const AT_MOST_SECONDS = 600;
/** All places are taken, or the last ones are being taken. */
const REFUSALS = new Set(['code-exhausted', 'code-reserved']);

/**
 * "The first 1,000 users": many more phones than a coupon has uses, each once, as fast as the connections go. A first crowd,
 * at a coupon of its own, is not measured: V8 compiles meanwhile.
 */
export const flash = defineBench({
  defaults: { clients: 512, phones: 20_000, uses: 1_000 },
  async run(stage, { clients, phones, uses }) {
    const warmUp = await seedCoupon(stage, uses, phones);
    const orders = await seedCoupon(stage, uses, phones);
    stage.progress('Starting the service');
    const service = await startServiceProcess(stage);
    try {
      const redeemers = await openRedeemers([service], clients);
      stage.progress(`Flash: twice ${phones} phones, ${uses} uses, ${clients} clients`);
      const before = await crowd(stage, redeemers, clients, warmUp);
      const { codeId, wins, refusals, latencies, failed } = await crowd(stage, redeemers, clients, orders);
      redeemers.close();
      await assertExact(stage, before.wins.length + wins.length, before.failed + failed);
      for (const id of [before.codeId, codeId]) await assertUses(stage, id, Math.min(uses, phones));
      const refusedMs = (refusals.at(-1) ?? 0) - (refusals[0] ?? 0);
      return {
        wins: wins.length,
        refusals: refusals.length,
        refusals_per_second: rounded((refusals.length / Math.max(refusedMs, 1)) * 1_000, 0),
        first_win_ms: rounded(wins[0] ?? 0),
        last_win_ms: rounded(wins.at(-1) ?? 0),
        clients,
        p50_ms: rounded(latencies.percentile(50)),
        p95_ms: rounded(latencies.percentile(95)),
        p99_ms: rounded(latencies.percentile(99)),
        errors: failed,
        rss_mib: rounded(service.peakRssMib(), 0),
      };
    } finally {
      await service.stop();
    }
  },
});

interface Crowd {
  codeId: string;
  /** When each won, and was refused, in milliseconds from the beginning. */
  wins: number[];
  refusals: number[];
  latencies: Latencies;
  failed: number;
}

/** Lets each phone ask for the coupon once. @throws Error when that takes too long */
async function crowd(stage: Stage, redeemers: Redeemers, clients: number, orders: Order[]): Promise<Crowd> {
  const [{ codeId } = { codeId: '' }] = orders;
  const wins: number[] = [];
  const refusals: number[] = [];
  const begun = performance.now();
  const loop = { clients, warmUpSeconds: 0, seconds: AT_MOST_SECONDS, signal: stage.signal };
  const { latencies, failed } = await closedLoop(loop, orders, async (order, client) => {
    const { status, body } = await redeemers.ask(order, client);
    const { state, code } = JSON.parse(body);
    const list = status === 201 && state === 'completed' ? wins : REFUSALS.has(code) ? refusals : undefined;
    list?.push(performance.now() - begun);
    if (!list) process.stderr.write(`${status} ${body}\n`);
    return list !== undefined;
  });
  if (orders.length > 0) throw new Error(`not all were answered in ${AT_MOST_SECONDS} s`);
  return { codeId, wins, refusals, latencies, failed };
}

/** @throws Error with the code's counter, and the wallets that won, where they are not as many as there were uses */
async function assertUses({ giftCode, progress }: Stage, codeId: string, uses: number): Promise<void> {
  const { rows } = await giftCode.reads.query(
    `select redeemed, (select count(distinct wallet_id) from redemptions
       where code_id = $1 and state = 'completed')::integer as winners
     from codes where id = $1`,
    [codeId],
  );
  if (rows[0]?.redeemed !== uses || rows[0].winners !== uses) {
    throw new Error(`not exact: ${uses} uses, but ${JSON.stringify(rows[0])}`);
  }
  progress(`Exact: ${uses} uses, by as many phones`);
}

import { ConfigError } from '../platform/config.ts';
import { assertExact } from './books.ts';
import { closedLoop, type LoopResult } from './closed-loop.ts';
import { rounded } from './latencies.ts';
import { median } from './median.ts';
import { defineBench } from './options.ts';
import { openRedeemers } from './redeemers.ts';
import { type Order, seedCoupon, seedOrders } from './seed.ts';
import { startServiceProcess, WARM_UP_SECONDS } from './service-process.ts';

/** More than two cores do in a second. */
const CODES_PER_SECOND = 5_000;
const MAX_USES = 100_000;

/** All want the same coupon, each for a phone of its own; by turns with codes of which each is redeemed once. */
export const hot = defineBench({
  defaults: { clients: 256, seconds: 8, rounds: 3, uses: MAX_USES },
  async run(stage, { clients, seconds, rounds, uses }) {
    if (uses > MAX_USES) throw new ConfigError(`--uses takes at most ${MAX_USES}: there are no more phones`);
    const unique = await seedOrders(stage, (WARM_UP_SECONDS + seconds * rounds) * CODES_PER_SECOND);
    const coupon = await seedCoupon(stage, uses, uses);
    stage.progress('Starting the service');
    const service = await startServiceProcess(stage);
    try {
      const redeemers = await openRedeemers([service], clients);
      const redeem = async (orders: Order[], warmUpSeconds: number) => {
        const loop = { clients, warmUpSeconds, seconds, signal: stage.signal };
        const result = await closedLoop(loop, orders, redeemers.redeem);
        if (orders.length === 0) throw new Error('the codes, or the uses, were used up before the time was');
        stage.progress(`${rounded(result.perSecond, 0)} redemptions a second, ${result.failed} errors`);
        return result;
      };
      const uniques: LoopResult[] = [];
      const hots: LoopResult[] = [];
      for (let round = 0; round < rounds; round++) {
        stage.progress(`Round ${round + 1} of ${rounds}: unique codes, then the coupon`);
        uniques.push(await redeem(unique, round === 0 ? WARM_UP_SECONDS : 0));
        hots.push(await redeem(coupon, 0));
      }
      redeemers.close();
      const all = [...uniques, ...hots];
      const failed = all.reduce((sum, loop) => sum + loop.failed, 0);
      await assertExact(
        stage,
        all.reduce((sum, loop) => sum + loop.done, 0),
        failed,
      );
      const hotPerSecond = median(hots.map(({ perSecond }) => perSecond));
      const uniquePerSecond = median(uniques.map(({ perSecond }) => perSecond));
      return {
        per_second: rounded(hotPerSecond, 0),
        unique_per_second: rounded(uniquePerSecond, 0),
        ratio_to_unique: rounded(hotPerSecond / uniquePerSecond),
        clients,
        p50_ms: rounded(median(hots.map(({ latencies }) => latencies.percentile(50)))),
        p95_ms: rounded(median(hots.map(({ latencies }) => latencies.percentile(95)))),
        p99_ms: rounded(median(hots.map(({ latencies }) => latencies.percentile(99)))),
        errors: failed,
      };
    } finally {
      await service.stop();
    }
  },
});

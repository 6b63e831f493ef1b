import { assertExact } from './books.ts';
import { rounded } from './latencies.ts';
import { openLoop } from './open-loop.ts';
import { defineBench } from './options.ts';
import { openRedeemers } from './redeemers.ts';
import { seedOrders } from './seed.ts';
import { startServiceProcess, WARM_UP_SECONDS } from './service-process.ts';

/** Customers who come at a fixed rate, whether the service keeps up or not; each waits from the moment he came. */
export const open = defineBench({
  defaults: { rate: 500, seconds: 60, clients: 1_024 },
  async run(stage, { rate, seconds, clients }) {
    const orders = await seedOrders(stage, (WARM_UP_SECONDS + seconds) * rate);
    stage.progress('Starting the service');
    const service = await startServiceProcess(stage);
    try {
      const redeemers = await openRedeemers([service], clients);
      stage.progress(`Open: ${rate} a second, ${WARM_UP_SECONDS} + ${seconds} s, at most ${clients} under way`);
      const loop = { rate, clients, warmUpSeconds: WARM_UP_SECONDS, seconds, signal: stage.signal };
      const { latencies, done, failed, late, unsent } = await openLoop(loop, orders, redeemers.redeem);
      const rssMib = service.peakRssMib();
      redeemers.close();
      await assertExact(stage, done, failed);
      return {
        rate,
        seconds,
        clients,
        p50_ms: rounded(latencies.percentile(50)),
        p95_ms: rounded(latencies.percentile(95)),
        p99_ms: rounded(latencies.percentile(99)),
        errors: failed,
        sent_late: late,
        not_sent: unsent,
        rss_mib: rounded(rssMib, 0),
      };
    } finally {
      await service.stop();
    }
  },
});

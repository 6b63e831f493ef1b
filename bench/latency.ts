import { newId } from '../platform/ids.ts';
import { Latencies, rounded } from './latencies.ts';
import { defineBench } from './options.ts';
import { openRedeemers } from './redeemers.ts';
import { seedOrders } from './seed.ts';
import { startServiceProcess } from './service-process.ts';
import { withWorker } from './worker.ts';
import type { empty } from './workflows.ts';

const TASK_QUEUE = 'bench-empty';
const WARM_UP = 50;

/**
 * A quiet system: one client redeems one code after the other. In turn with it, an empty workflow, started eagerly over a
 * connection shared with its worker, timed from the call that starts it until `handle.result()`, the way any client of
 * Temporal learns of an end.
 */
export const latency = defineBench({
  defaults: { count: 300 },
  async run(stage, { count }) {
    const orders = await seedOrders(stage, WARM_UP + count);
    stage.progress('Starting the service');
    const service = await startServiceProcess(stage);
    try {
      const redeemers = await openRedeemers([service], 1);
      return await withWorker(stage, { taskQueue: TASK_QUEUE }, async (client) => {
        const runEmpty = async () => {
          const handle = await client.workflow.start<typeof empty>('empty', {
            workflowId: `empty-${newId()}`,
            taskQueue: TASK_QUEUE,
            requestEagerStart: true,
          });
          await handle.result();
        };
        stage.progress(`Latency: ${WARM_UP} + ${count} redemptions, in turn with as many empty workflows`);
        const redemptions = new Latencies();
        const workflows = new Latencies();
        let errors = 0;
        for (const [index, order] of orders.entries()) {
          stage.signal.throwIfAborted();
          const begun = performance.now();
          if (!(await redeemers.redeem(order, 0))) errors++;
          const redeemed = performance.now();
          await runEmpty();
          if (index < WARM_UP) continue;
          redemptions.record(redeemed - begun);
          workflows.record(performance.now() - redeemed);
        }
        redeemers.close();
        return {
          count,
          p50_ms: rounded(redemptions.percentile(50)),
          p99_ms: rounded(redemptions.percentile(99)),
          errors,
          empty_workflow_p50_ms: rounded(workflows.percentile(50)),
          ratio_to_empty_workflow: rounded(redemptions.percentile(50) / workflows.percentile(50)),
        };
      });
    } finally {
      await service.stop();
    }
  },
});

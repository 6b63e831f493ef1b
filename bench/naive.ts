import { giftCodeActivities } from '../activities/gift-code.ts';
import type { Progress } from '../activities/progress.ts';
import { walletActivities } from '../activities/wallet.ts';
import { newId } from '../platform/ids.ts';
import { redemptionWorkflowId } from '../workflows/contracts.ts';
import { closedLoop } from './closed-loop.ts';
import { rounded } from './latencies.ts';
import { defineBench } from './options.ts';
import { CLIENT_ID, seedOrders } from './seed.ts';
import type { Stage } from './stage.ts';
import { withWorker } from './worker.ts';
import type { naiveRedeem } from './workflows.ts';

/** Measured: more clients only wait longer, and what they finish in a short window is a matter of luck. */
export const NAIVE_CLIENTS = 32;

const TASK_QUEUE = 'bench-naive';
const WARM_UP_SECONDS = 2;
/** More than Temporal's development server does in a second. */
const CODES_PER_SECOND = 500;

const ignore = () => undefined;
/** There is no gateway to hear of what activities do. */
const NOBODY: Progress = {
  took: ignore,
  credited: ignore,
  completed: ignore,
  ended: ignore,
  handedOver: ignore,
  wrote: ignore,
};

/** A workflow per redemption with three regular activities: the same functions of both databases, with lists of one. */
export const naive = defineBench({
  defaults: { clients: NAIVE_CLIENTS, seconds: 10 },
  async run(stage, { clients, seconds }) {
    return { per_second: rounded(await measureNaive(stage, clients, seconds)), clients };
  },
});

/** @returns redemptions a second */
export async function measureNaive(stage: Stage, clients: number, seconds: number): Promise<number> {
  const orders = await seedOrders(stage, (seconds + WARM_UP_SECONDS) * CODES_PER_SECOND);
  const activities = { ...giftCodeActivities(stage.giftCode, NOBODY), ...walletActivities(stage.wallet, NOBODY) };
  return await withWorker(stage, { taskQueue: TASK_QUEUE, activities }, async (client) => {
    stage.progress(`Naive: ${clients} clients, ${seconds} s`);
    const loop = { clients, warmUpSeconds: WARM_UP_SECONDS, seconds, signal: stage.signal };
    const { perSecond } = await closedLoop(loop, orders, async ({ codeId, groupId, walletId }) => {
      const redemptionId = newId();
      await client.workflow.execute<typeof naiveRedeem>('naiveRedeem', {
        workflowId: redemptionWorkflowId(redemptionId),
        taskQueue: TASK_QUEUE,
        args: [{ redemptionId, codeId, groupId, walletId, clientId: CLIENT_ID, at: Date.now() }],
      });
      return true;
    });
    return perSecond;
  });
}

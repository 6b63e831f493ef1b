import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { openTemporal } from '../workers/temporal.ts';
import type { redeem } from '../workflows/redeem.ts';
import { assertExact } from './books.ts';
import { closedLoop } from './closed-loop.ts';
import { rounded } from './latencies.ts';
import { defineBench } from './options.ts';
import { openRedeemers } from './redeemers.ts';
import { type Order, seedOrders } from './seed.ts';
import { startServiceProcess, WARM_UP_SECONDS } from './service-process.ts';
import type { Stage } from './stage.ts';

const AT_MOST_SECONDS = 600;
/** More than two cores answer in a second. */
const REPEATS_PER_SECOND = 20_000;

interface First extends Order {
  key: string;
  /** The whole answer to the first request. */
  body: string;
}

/** Requests that come again under their Idempotency-Keys: each is answered as the first time, and nothing is started. */
export const replay = defineBench({
  defaults: { clients: 64, seconds: 10, redemptions: 5_000 },
  async run(stage, { clients, seconds, redemptions }) {
    const orders = await seedOrders(stage, redemptions);
    stage.progress('Starting the service');
    const service = await startServiceProcess(stage);
    const temporal = await openTemporal(stage.urls.temporal, { namespace: 'default', signIn: {} });
    try {
      const redeemers = await openRedeemers([service], clients);
      stage.progress(`Replay: ${redemptions} redemptions, then their repeats for ${WARM_UP_SECONDS} + ${seconds} s`);
      const firsts: First[] = [];
      const firstLoop = { clients, warmUpSeconds: 0, seconds: AT_MOST_SECONDS, signal: stage.signal };
      const keyed = orders.map((order, index) => ({ ...order, key: `bench-${index}` }));
      const first = await closedLoop(firstLoop, keyed, async (order, client) => {
        const { status, body } = await redeemers.ask(order, client, order.key);
        return status === 201 && firsts.push({ ...order, body }) > 0;
      });
      if (first.failed > 0 || keyed.length > 0) throw new Error(`${firsts.length} of ${redemptions} were redeemed`);

      const workflowsBefore = await countWorkflows(stage, temporal.client);
      const repeats = Array.from(
        { length: (WARM_UP_SECONDS + seconds) * REPEATS_PER_SECOND },
        (_, index) => firsts[index % firsts.length] as First,
      );
      const loop = { clients, warmUpSeconds: WARM_UP_SECONDS, seconds, signal: stage.signal };
      const { perSecond, latencies, done, failed } = await closedLoop(loop, repeats, async (one, client) => {
        const { status, body } = await redeemers.ask(one, client, one.key);
        if (status === 201 && body !== one.body) throw new Error(`another answer than the first: ${one.body} ${body}`);
        if (status !== 201) process.stderr.write(`${status} ${body}\n`);
        return status === 201;
      });
      redeemers.close();
      stage.progress(`${done} repeats, each answered as the first time, ${failed} errors`);
      const workflowsStarted = (await countWorkflows(stage, temporal.client)) - workflowsBefore;
      if (workflowsStarted !== 0) throw new Error(`not exact: the repeats started ${workflowsStarted} workflows`);
      await assertExact(stage, redemptions, 0);
      return {
        per_second: rounded(perSecond, 0),
        clients,
        p50_ms: rounded(latencies.percentile(50)),
        p95_ms: rounded(latencies.percentile(95)),
        p99_ms: rounded(latencies.percentile(99)),
        errors: failed,
        workflows_started: workflowsStarted,
      };
    } finally {
      await temporal.close();
      await service.stop();
    }
  },
});

const POLL_MS = 1_000;
const POLLS = 30;

/** The redeem workflows there have been. Temporal lists them a little later than it starts them: waits until no more come. */
async function countWorkflows({ signal }: Stage, client: Client): Promise<number> {
  const query = `WorkflowType = '${'redeem' satisfies typeof redeem.name}'`;
  let before = -1;
  for (let poll = 0; poll < POLLS; poll++) {
    const { count } = await client.workflow.count(query);
    if (count > 0 && count === before) return count;
    before = count;
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new Error('the count of workflows does not settle');
}

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { assertExact } from './books.ts';
import { closedLoop } from './closed-loop.ts';
import { rounded } from './latencies.ts';
import { defineBench, type Result } from './options.ts';
import { openRedeemers } from './redeemers.ts';
import { type Order, seedOrders } from './seed.ts';
import { type ServiceProcess, startServiceProcess } from './service-process.ts';
import type { Stage } from './stage.ts';

const PROCESSES = [1, 2, 4];
/** Half of the processes are new each time. */
const WARM_UP_SECONDS = 5;
/** More than two cores do in a second; a machine with more of them may need more. */
const CODES_PER_SECOND = 5_000;

/** Processes of the service added one after the other, over the same servers; the clients are spread evenly over them. */
export const scale = defineBench({
  defaults: { clients: 256, seconds: 10 },
  async run(stage, { clients, seconds }) {
    const orders = await seedOrders(stage, PROCESSES.length * (WARM_UP_SECONDS + seconds) * CODES_PER_SECOND);
    const services: ServiceProcess[] = [];
    try {
      const perSecond: Result = {};
      let done = 0;
      let failed = 0;
      for (const count of PROCESSES) {
        while (services.length < count) services.push(await startAnother(stage, services.length));
        stage.progress(`Scale: ${count} processes, ${clients} clients, ${WARM_UP_SECONDS} + ${seconds} s`);
        const result = await measure(stage, services, orders, clients, seconds);
        stage.progress(`${rounded(result.perSecond, 0)} redemptions a second, ${result.failed} errors`);
        perSecond[`per_second_${count}`] = rounded(result.perSecond, 0);
        done += result.done;
        failed += result.failed;
      }
      await assertExact(stage, done, failed);
      return { ...perSecond, clients, errors: failed };
    } finally {
      await Promise.all(services.map((service) => service.stop()));
    }
  },
});

/** Each process has a home of its own; the code keys are the same in all. */
async function startAnother(stage: Stage, number: number): Promise<ServiceProcess> {
  stage.progress(`Starting process ${number + 1}`);
  if (number === 0) return await startServiceProcess(stage);
  const serviceHome = `${stage.serviceHome}-${number}`;
  await cp(join(stage.serviceHome, 'keys'), join(serviceHome, 'keys'), { recursive: true });
  return await startServiceProcess({ ...stage, serviceHome });
}

async function measure(stage: Stage, services: ServiceProcess[], orders: Order[], clients: number, seconds: number) {
  const redeemers = await openRedeemers(services, clients);
  try {
    const loop = { clients, warmUpSeconds: WARM_UP_SECONDS, seconds, signal: stage.signal };
    const result = await closedLoop(loop, orders, redeemers.redeem);
    if (orders.length === 0) throw new Error('the codes were used up before the time was');
    return result;
  } finally {
    redeemers.close();
  }
}

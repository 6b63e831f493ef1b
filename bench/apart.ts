import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertExact } from './books.ts';
import { closedLoop, type LoopResult } from './closed-loop.ts';
import { rounded } from './latencies.ts';
import { median } from './median.ts';
import { defineBench } from './options.ts';
import { type PartProcess, startPart } from './part-process.ts';
import { openRedeemers } from './redeemers.ts';
import { seedOrders } from './seed.ts';
import { type ServiceProcess, startServiceProcess, WARM_UP_SECONDS } from './service-process.ts';
import type { Stage } from './stage.ts';

type Place = Pick<ServiceProcess, 'url' | 'adminKey'>;

/** More than two cores do in a second. */
const CODES_PER_SECOND = 5_000;

/** All parts in one process, by turns with parts in processes of their own; first for one client, then for many. */
export const apart = defineBench({
  defaults: { clients: 256, seconds: 6, rounds: 3 },
  async run(stage, { clients, seconds, rounds }) {
    const orders = await seedOrders(stage, 2 * (WARM_UP_SECONDS + rounds * seconds) * CODES_PER_SECOND);
    stage.progress('Starting the service, then its parts apart');
    const service = await startServiceProcess(stage);
    const parts: PartProcess[] = [];
    try {
      const gateway = await startParts(stage, parts);
      const all: LoopResult[] = [];
      const measure = async (place: Place, count: number, warmUpSeconds: number) => {
        // An idle connection is closed by the service after a minute.
        const redeemers = await openRedeemers([place], count);
        const loop = { clients: count, warmUpSeconds, seconds, signal: stage.signal };
        const result = await closedLoop(loop, orders, redeemers.redeem);
        redeemers.close();
        if (orders.length === 0) throw new Error('the codes were used up before the time was');
        all.push(result);
        return result;
      };
      const byTurns = async (count: number) => {
        const results: [LoopResult[], LoopResult[]] = [[], []];
        for (let round = 0; round < rounds; round++) {
          stage.progress(`${count} clients, round ${round + 1} of ${rounds}: together, then apart`);
          const warmUpSeconds = round === 0 ? WARM_UP_SECONDS / 2 : 0;
          results[0].push(await measure(service, count, warmUpSeconds));
          results[1].push(await measure(gateway, count, warmUpSeconds));
        }
        return results;
      };
      const one = await byTurns(1);
      const many = await byTurns(clients);
      const failed = all.reduce((sum, loop) => sum + loop.failed, 0);
      await assertExact(
        stage,
        all.reduce((sum, loop) => sum + loop.done, 0),
        failed,
      );
      const perSecond = many.map((loops) => median(loops.map((loop) => loop.perSecond)));
      const p50 = one.map((loops) => median(loops.map(({ latencies }) => latencies.percentile(50))));
      const [rateTogether = 0, rateApart = 0] = perSecond;
      return {
        per_second: rounded(rateApart, 0),
        together_per_second: rounded(rateTogether, 0),
        ratio_to_together: rounded(rateApart / rateTogether),
        clients,
        one_client_p50_ms: rounded(p50[1] ?? 0),
        together_one_client_p50_ms: rounded(p50[0] ?? 0),
        errors: failed,
      };
    } finally {
      for (const part of parts.reverse()) await part.end('SIGTERM');
      await service.stop();
    }
  },
});

/** Starts each part with what it has to know, and on task queues of their own. */
async function startParts({ urls, serviceHome }: Stage, parts: PartProcess[]): Promise<Place> {
  const adminKey = randomBytes(24).toString('hex');
  const all = { VOUCHSAFE_HOME: `${serviceHome}-apart`, PORT: '0', TEMPORAL_TASK_QUEUE: 'apart' };
  const key = { VOUCHSAFE_PARTS_KEY: randomBytes(24).toString('hex') };
  const codeKeys = { VOUCHSAFE_CODE_KEYS: await readFile(join(serviceHome, 'keys/codes.json'), 'utf8') };
  const giftCode = { ...all, GIFT_CODE_DATABASE_URL: urls.giftCodeDatabase, ...codeKeys };
  const wallet = { ...all, WALLET_DATABASE_URL: urls.walletDatabase };
  const saga = { TEMPORAL_ADDRESS: urls.temporal, NATS_URL: urls.nats };
  const start = async (role: string, variables: Record<string, string>) => {
    const part = await startPart(role, variables);
    parts.push(part);
    return part.url;
  };
  const giftCodeUrl = await start('serve gift-code', { ...giftCode, ...key });
  const walletUrl = await start('serve wallet', { ...wallet, ...key });
  await start('work gift-code', { ...giftCode, ...saga });
  await start('work wallet', { ...wallet, ...saga });
  const url = await start('serve gateway', {
    ...all,
    ...saga,
    ...key,
    ...codeKeys,
    GATEWAY_DATABASE_URL: urls.gatewayDatabase,
    GIFT_CODE_URL: giftCodeUrl,
    WALLET_URL: walletUrl,
    VOUCHSAFE_ADMIN_KEY: adminKey,
  });
  return { url: new URL(url), adminKey };
}

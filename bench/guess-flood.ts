import { randomBytes } from 'node:crypto';
import { generateCodeText } from '../platform/code-text.ts';
import { assertExact } from './books.ts';
import { closedLoop, type LoopResult } from './closed-loop.ts';
import { type HttpConnection, openHttpConnection } from './http-connection.ts';
import { rounded } from './latencies.ts';
import { median } from './median.ts';
import { defineBench } from './options.ts';
import { openRedeemers } from './redeemers.ts';
import { seedOrders } from './seed.ts';
import { type ServiceProcess, startServiceProcess, WARM_UP_SECONDS } from './service-process.ts';

const CODES_PER_SECOND = 3_000;
const GUESSERS = 200;
const TICK_MS = 10;

/**
 * Honest customers redeem in a closed loop, by turns alone and beside a flood of wrong codes at a fixed rate: well-formed
 * ones, each for another phone, from two hundred addresses with one API key that the honest ones do not use.
 */
export const guessFlood = defineBench({
  defaults: { clients: 64, seconds: 8, rounds: 3, guesses: 500 },
  async run(stage, { clients, seconds, rounds, guesses }) {
    const loops = rounds * 2;
    const orders = await seedOrders(stage, (WARM_UP_SECONDS + seconds * loops) * CODES_PER_SECOND);
    stage.progress('Starting the service');
    const service = await startServiceProcess(stage, { VOUCHSAFE_PROXIES: '1' });
    try {
      const redeemers = await openRedeemers([service], clients);
      const flood = await openFlood(service, guesses);
      const alone: LoopResult[] = [];
      const flooded: LoopResult[] = [];
      const redeem = (warmUpSeconds: number) =>
        closedLoop({ clients, warmUpSeconds, seconds, signal: stage.signal }, orders, redeemers.redeem);
      for (let round = 0; round < rounds; round++) {
        stage.progress(`Round ${round + 1} of ${rounds}: alone, then beside ${guesses} wrong codes a second`);
        alone.push(await redeem(round === 0 ? WARM_UP_SECONDS : 0));
        flood.start();
        flooded.push(await redeem(0));
        await flood.stop();
      }
      redeemers.close();
      flood.close();
      const all = [...alone, ...flooded];
      const failed = all.reduce((sum, loop) => sum + loop.failed, 0);
      await assertExact(
        stage,
        all.reduce((sum, loop) => sum + loop.done, 0),
        failed,
      );
      const before = median(alone.map(({ perSecond }) => perSecond));
      const beside = median(flooded.map(({ perSecond }) => perSecond));
      return {
        per_second: rounded(beside, 0),
        alone_per_second: rounded(before, 0),
        ratio_to_alone: rounded(beside / before),
        clients,
        errors: failed,
        guesses_per_second: rounded(flood.sent() / (seconds * rounds), 0),
        guesses_looked_up: flood.lookedUp(),
        guesses_locked_out: flood.lockedOut(),
      };
    } finally {
      await service.stop();
    }
  },
});

/** Wrong codes at a fixed rate, whatever becomes of them: a connection that still waits for its answer is passed over. */
async function openFlood(service: ServiceProcess, perSecond: number) {
  const key = await newKey(service);
  const idle: HttpConnection[] = await Promise.all(
    Array.from({ length: GUESSERS }, (_, index) =>
      openHttpConnection(service.url, key, { 'X-Forwarded-For': `198.51.100.${index}` }),
    ),
  );
  const all = [...idle];
  const underWay = new Set<Promise<void>>();
  const answered = new Map<number, number>();
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  const guess = async (connection: HttpConnection) => {
    const phone = `+98913${String(sent++ % 10_000_000).padStart(7, '0')}`;
    const body = JSON.stringify({ code: generateCodeText(randomBytes), phone });
    const { status } = await connection.post('/v1/redemptions', body);
    answered.set(status, (answered.get(status) ?? 0) + 1);
    idle.push(connection);
  };
  return {
    start() {
      let due = 0;
      let last = performance.now();
      timer = setInterval(() => {
        const now = performance.now();
        due += ((now - last) / 1_000) * perSecond;
        last = now;
        for (; due >= 1; due--) {
          const connection = idle.shift();
          if (!connection) continue;
          const attempt = guess(connection).finally(() => underWay.delete(attempt));
          underWay.add(attempt);
        }
      }, TICK_MS);
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
    },
    close() {
      for (const connection of all) connection.close();
    },
    sent: () => sent,
    lookedUp: () => answered.get(404) ?? 0,
    lockedOut: () => answered.get(429) ?? 0,
  };
}

async function newKey({ url, adminKey }: ServiceProcess): Promise<string> {
  const connection = await openHttpConnection(url, adminKey);
  const { body } = await connection.post(
    '/v1/api-keys',
    JSON.stringify({ name: 'guesser', scopes: ['redemptions:write'] }),
  );
  connection.close();
  return JSON.parse(body).key;
}

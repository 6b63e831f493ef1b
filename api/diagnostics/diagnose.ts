import { marksOf } from '../../domains/gift-code/open-code-keys.ts';
import { databaseFacts } from '../../platform/database-facts.ts';
import { openRedis } from '../../platform/redis.ts';
import { within } from '../../platform/within.ts';
import type { Services } from '../services.ts';
import { type Check, failed, ok, warning } from './check.ts';
import { databaseChecks } from './databases.ts';
import { natsChecks, outboxCheck } from './events.ts';
import { temporalChecks } from './temporal.ts';

const TIMEOUT_MS = 5_000;

/** Looks at everything that this gateway works with. Never throws: what cannot be asked is a check that failed. */
export async function diagnose(services: Services): Promise<Check[]> {
  const { gateway, giftCode, wallet, temporal, config, servers } = services;
  const isApart = services.redeemOptions.apart;
  const checks = await Promise.all([
    databaseChecks('gateway', databaseFacts(gateway)),
    databaseChecks('gift-code', giftCode.databaseFacts(), isApart),
    databaseChecks('wallet', wallet.databaseFacts(), isApart),
    keysCheck(services),
    temporalChecks(temporal, config, isApart),
    breakerCheck(services),
    natsChecks(servers.nats, config.nats),
    outboxCheck('gift-code', giftCode.outboxStatus()),
    outboxCheck('wallet', wallet.outboxStatus()),
    redisCheck(servers.redis),
  ]);
  return checks.flat();
}

async function keysCheck({ giftCode, codeKeys }: Services): Promise<Check> {
  const name = 'code keys';
  try {
    const { complete, superseded, underway } = await giftCode.codeKeysFit(marksOf(codeKeys));
    if (!complete) {
      const action =
        'Restore keys/codes.json or VOUCHSAFE_CODE_KEYS, and start again: codes cannot be found otherwise.';
      return failed(name, 'not those of the database', action);
    }
    const detail = [
      'those that the codes were made with',
      ...(underway.length > 0 ? [`codes are being given ${underway.join(' and ')}`] : []),
      ...(superseded.length > 0 ? [`no code needs ${superseded.join(' and ')}`] : []),
    ];
    return ok(name, detail.join('; '));
  } catch (error) {
    return failed(name, String(error), 'See the gift-code database.');
  }
}

function breakerCheck({ breaker }: Services): Check {
  const broken = breaker.broken();
  if (broken.length === 0) return ok('breaker', 'closed: redemptions are let in');
  const detail = `open for ${broken.join(', ')}: new redemptions get 503`;
  return failed('breaker', detail, 'It closes by itself as soon as they answer.');
}

async function redisCheck(url: string | null): Promise<Check> {
  const action = 'Nothing has to be done; with several gateways, Redis (REDIS_URL) shares limits between them.';
  if (url === null) return warning('Redis', 'none', action);
  const redis = openRedis(url);
  try {
    // A new connection takes no command before it is ready.
    const ready = new Promise<true>((resolve) => redis.once('ready', () => resolve(true)));
    if (!(await within(TIMEOUT_MS / 5, ready))) return warning('Redis', 'does not answer', action);
    const [, version] = /redis_version:(\S+)/.exec(await redis.info('server')) ?? [];
    return ok('Redis', `version ${version}`);
  } catch (error) {
    return warning('Redis', String(error), action);
  } finally {
    redis.disconnect();
  }
}

import { z } from 'zod';
import type { DayRange } from '../../../domains/gift-code/code-group-stats.ts';
import type { GiftCodePart } from '../../../domains/gift-code/operations.ts';
import type { CodeGroup } from '../../../domains/gift-code/read-code-groups.ts';
import { DataError } from '../../../platform/database-errors.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id, isForward, time } from '../../fields.ts';
import { operation } from '../../operation.ts';

const TIMEOUT_MS = 10_000;
/** SQLSTATE of invalid_parameter_value. */
const NO_SUCH_TIME_ZONE = '22023';

export const codeGroupStatsOperation = operation({
  method: 'GET',
  path: '/v1/code-groups/{id}/stats',
  summary: 'What has become of the codes of a group',
  scope: 'groups:read',
  params: z.object({ id }),
  query: z
    .strictObject({
      from: time.optional(),
      to: time.optional(),
      time_zone: z
        .string()
        .transform((name, context) => {
          const timeZone = timeZoneOf(name);
          if (timeZone !== undefined) return timeZone;
          context.addIssue({ code: 'custom', message: 'must be an IANA time zone, such as Asia/Tehran' });
          return z.NEVER;
        })
        .default('UTC'),
    })
    .refine(({ from, to }) => isForward(from, to), { path: ['to'], message: 'must not be before from' }),
  answers: { 200: answers.stats },
  problems: ['not-found', 'unavailable'],
  async handle({ params, query, services }) {
    const group = await services.giftCode.readCodeGroup(params.id);
    if (!group) throw new Problem('not-found');
    const range = { from: query.from, to: query.to, timeZone: query.time_zone };
    const version = await services.giftCode.versionOfContent(TIMEOUT_MS);
    const body = await services.cached.read(`stats:${group.id}:${JSON.stringify(range)}`, version, () =>
      statsJson(services.giftCode, group, range).catch(asBadTimeZone),
    );
    return { status: 200, body };
  },
});

/**
 * The name by which Postgres is asked for a time zone: as it was given, since ICU may tell of an older one that Postgres has not
 * (`Asia/Calcutta`); but of one without a slash what ICU makes of it, since to Postgres that may be an abbreviation, maybe of
 * another zone (`CET`, `IST`). @returns nothing for what is no IANA name, such as an offset from UTC
 */
export function timeZoneOf(name: string): string | undefined {
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return name.includes('/') ? name : timeZone;
  } catch {
    return undefined;
  }
}

/** @throws Problem `invalid-request` where it is Postgres that has no such time zone */
function asBadTimeZone(error: unknown): never {
  if (!(error instanceof DataError) || error.sqlState !== NO_SUCH_TIME_ZONE) throw error;
  throw new Problem('invalid-request', {
    members: { errors: [{ pointer: '?time_zone', detail: 'is a time zone that the database does not know' }] },
  });
}

async function statsJson(giftCode: GiftCodePart, { id: groupId, currency }: CodeGroup, range: DayRange) {
  const stats = await giftCode.codeGroupStats(groupId, range);
  if (!stats) throw new Error('a code group vanished');
  const { total, unused, reserved, partly_used, used, disabled, places_total, places_redeemed, places_reserved } =
    stats;
  const numbers = (columns: Record<string, bigint>) =>
    Object.fromEntries(Object.entries(columns).map(([name, count]) => [name, Number(count)]));
  return {
    codes: numbers({ total, unused, reserved, partly_used, used, disabled }),
    places: numbers({
      total: places_total,
      redeemed: places_redeemed,
      reserved: places_reserved,
      left: places_total - places_redeemed - places_reserved,
    }),
    redemptions: numbers({ completed: stats.completed, reversed: stats.reversed }),
    credited: { value: Number(stats.credited), currency },
    redeemers: Number(stats.redeemers),
    first_redeemed_at: stats.first_redeemed_at?.toISOString() ?? null,
    last_redeemed_at: stats.last_redeemed_at?.toISOString() ?? null,
    per_day: stats.per_day.map(({ date, completed, credited }) => {
      return {
        date,
        redemptions: completed,
        credited: { value: Number(credited), currency },
      };
    }),
  };
}

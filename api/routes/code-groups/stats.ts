import { z } from 'zod';
import type { DayRange } from '../../../domains/gift-code/code-group-stats.ts';
import type { GiftCodePart } from '../../../domains/gift-code/operations.ts';
import type { CodeGroup } from '../../../domains/gift-code/read-code-groups.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id, isForward, time } from '../../fields.ts';
import { operation } from '../../operation.ts';

const TIMEOUT_MS = 10_000;

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
      statsJson(services.giftCode, group, range),
    );
    return { status: 200, body };
  },
});

/**
 * The name under which Postgres knows a time zone for certain: to it, some others (`CET`, `IST`) are abbreviations, maybe of
 * another one. @returns nothing for what is no IANA name, such as an offset from UTC
 */
function timeZoneOf(name: string): string | undefined {
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
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

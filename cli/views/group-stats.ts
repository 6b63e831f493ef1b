import type { GroupStats } from '../api-types.ts';
import { barLines } from '../charts/bars.ts';
import { stackedBarLines } from '../charts/stacked-bar.ts';
import { moneyText, type Output } from '../output.ts';

/** States of codes, from what is spent to what cannot be. */
const STATES = ['used', 'partly_used', 'reserved', 'unused', 'disabled'];
const DAY_MS = 86_400_000;
/** More lines than a screen holds help nobody. */
const MOST_DAYS = 60;

/** The numbers; on a terminal also as bars, of codes by state and of redemptions by day. */
export function showStats(out: Output, stats: GroupStats): void {
  out.details({
    codes: countsText(stats.codes),
    places: countsText(stats.places),
    redemptions: countsText(stats.redemptions),
    credited: moneyText(stats.credited),
    redeemers: stats.redeemers,
    'first redeemed': stats.first_redeemed_at,
    'last redeemed': stats.last_redeemed_at,
  });
  if (out.columns === undefined) return;
  const segments = STATES.map((state) => ({ name: state.replaceAll('_', ' '), value: stats.codes?.[state] ?? 0 }));
  showLines(out, stackedBarLines(segments, out.columns));
  const days = newestDays(stats.per_day ?? []).map(({ date, redemptions, credited }) => ({
    label: date,
    value: redemptions,
    text: [redemptions, credited && moneyText(credited)].filter((part) => part !== undefined).join('  '),
  }));
  showLines(out, barLines(days, out.columns));
}

function showLines(out: Output, lines: string[]): void {
  if (lines.length > 0) out.line();
  for (const line of lines) out.line(line);
}

type Day = Omit<NonNullable<GroupStats['per_day']>[number], 'credited'> & {
  credited?: NonNullable<GroupStats['credited']>;
};

/** The newest days up to the last that something happened on, with those between that nothing happened on. */
function newestDays(days: Day[]): Day[] {
  const last = days.at(-1);
  const first = days[0];
  if (!last || !first) return [];
  const byDate = new Map(days.map((day) => [day.date, day]));
  const end = Date.parse(last.date);
  const start = Math.max(Date.parse(first.date), end - (MOST_DAYS - 1) * DAY_MS);
  const all: Day[] = [];
  for (let time = start; time <= end; time += DAY_MS) {
    const date = new Date(time).toISOString().slice(0, 10);
    all.push(byDate.get(date) ?? { date, redemptions: 0 });
  }
  return all;
}

function countsText(counts: Record<string, number> = {}): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name.replaceAll('_', ' ')} ${count}`)
    .join(', ');
}

import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli, startApi } from './testing.ts';

const ID = '0198c5d2-3f00-7000-8000-000000000001';
const usd = (value: number) => ({ value, currency: 'USD' });
const stats = {
  codes: { total: 10, unused: 4, reserved: 1, partly_used: 0, used: 5, disabled: 0 },
  redemptions: { completed: 5, reversed: 0 },
  credited: usd(5000),
  redeemers: 5,
  per_day: [
    { date: '2026-03-20', redemptions: 4, credited: usd(4000) },
    { date: '2026-03-22', redemptions: 1, credited: usd(1000) },
  ],
};
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi({ [`GET /v1/code-groups/${ID}/stats`]: { status: 200, body: stats } });
});
afterAll(() => api.close());

const BAR = /[█▓▒░▏▎▍▌▋▊▉]/;

test('a terminal is shown codes by state and redemptions by day', async () => {
  const { stdout } = await runCli(['groups', 'stats', ID], { url: api.url }, {});
  const lines = stdout.trimEnd().split('\n');
  const [states = '', legend, , ...days] = lines.slice(lines.findIndex((line) => /^█/.test(line)));
  expect(states).toBe('█'.repeat(40) + '▒'.repeat(8) + '░'.repeat(32));
  expect(legend).toBe('█ used 5  ▒ reserved 1  ░ unused 4');
  expect(days).toHaveLength(3);
  for (const day of days) expect(day).toHaveLength(80);
  expect(days[0]).toMatch(/^2026-03-20 █+ 4 {2}40\.00 USD$/);
  expect(days[1]).toMatch(/^2026-03-21 {2,}0$/);
  const length = (line = '') => line.replace(/[^█]/g, '').length;
  expect(length(days[2])).toBe(Math.floor(length(days[0]) / 4));
});

test('a program is given no bars', async () => {
  expect((await runCli(['groups', 'stats', ID], { url: api.url })).stdout).not.toMatch(BAR);
  const { stdout } = await runCli(['groups', 'stats', ID, '--json'], { url: api.url }, {});
  expect(JSON.parse(stdout)).toEqual(stats);
});

test('days are those of a range and a time zone', async () => {
  const range = ['--from', '2026-03-20T00:00:00Z', '--to', '2026-03-21T00:00:00Z', '--time-zone', 'Asia/Tehran'];
  expect(await runCli(['groups', 'stats', ID, ...range], { url: api.url })).toMatchObject({ exitCode: 0 });
  expect(new URL(api.received.at(-1)?.url ?? '', api.url).searchParams.toString()).toBe(
    'from=2026-03-20T00%3A00%3A00Z&to=2026-03-21T00%3A00%3A00Z&time_zone=Asia%2FTehran',
  );
});

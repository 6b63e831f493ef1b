export interface Segment {
  name: string;
  value: number;
}

/** Told apart without colours as well. */
const FILLS = ['█', '▓', '▒', '░', '·'];

/** One bar of all segments, as wide as the columns, and a legend under it; segments of nothing are left out. */
export function stackedBarLines(segments: Segment[], columns: number): string[] {
  const present = segments
    .map((segment, index) => ({ ...segment, fill: FILLS[index % FILLS.length] ?? '' }))
    .filter(({ value }) => value > 0);
  if (present.length === 0) return [];
  const widths = shares(
    present.map(({ value }) => value),
    columns,
  );
  const bar = present.map(({ fill }, index) => fill.repeat(widths[index] ?? 0)).join('');
  return [bar, present.map(({ fill, name, value }) => `${fill} ${name} ${value}`).join('  ')];
}

/** Splits a width by values, each of which gets one column at least; it is exactly used up. */
function shares(values: number[], width: number): number[] {
  const total = values.reduce((sum, value) => sum + value, 0);
  const exact = values.map((value) => (value / total) * width);
  const widths = exact.map((share) => Math.max(1, Math.floor(share)));
  const left = () => width - widths.reduce((sum, share) => sum + share, 0);
  while (left() !== 0) {
    const step = Math.sign(left());
    const gaps = exact.map((share, index) => step * (share - (widths[index] ?? 0)));
    const index = gaps.indexOf(Math.max(...gaps.filter((_, at) => step > 0 || (widths[at] ?? 0) > 1)));
    if (index < 0) break;
    widths[index] = (widths[index] ?? 0) + step;
  }
  return widths;
}

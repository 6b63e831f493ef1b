export interface Bar {
  label: string;
  value: number;
  /** What stands at the right end. */
  text: string;
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const SHORTEST = 10;

/** Horizontal bars, one a line, labels left and texts right; the longest bar takes what is left of the columns. */
export function barLines(bars: Bar[], columns: number): string[] {
  const labelWidth = Math.max(0, ...bars.map(({ label }) => label.length));
  const textWidth = Math.max(0, ...bars.map(({ text }) => text.length));
  const width = Math.max(SHORTEST, columns - labelWidth - textWidth - 2);
  const greatest = Math.max(1, ...bars.map(({ value }) => value));
  return bars.map(({ label, value, text }) => {
    const bar = barOf(value / greatest, width).padEnd(width);
    return `${label.padEnd(labelWidth)} ${bar} ${text.padStart(textWidth)}`;
  });
}

/** To an eighth of a column; what is not nothing is to be seen. */
function barOf(share: number, width: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

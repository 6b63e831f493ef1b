import { expect, test } from 'vitest';
import { barLines } from './bars.ts';
import { stackedBarLines } from './stacked-bar.ts';

test('bars are as long as their values, to an eighth, and fill the columns', () => {
  const bars = [
    { label: 'a', value: 0, text: '0' },
    { label: 'bb', value: 50, text: '50' },
    { label: 'c', value: 100, text: '100' },
    { label: 'd', value: 7, text: '1' },
    { label: 'e', value: 45, text: '45' },
  ];
  expect(barLines(bars, 17)).toEqual([
    'a               0',
    'bb █████       50',
    'c  ██████████ 100',
    'd  ▊            1',
    'e  ████▌       45',
  ]);
  expect(
    barLines(
      [
        { label: 'x', value: 1, text: '1' },
        { label: 'y', value: 10_000, text: '9' },
      ],
      40,
    )[0],
  ).toMatch(/^x ▏ +1$/);
});

test('a stacked bar is exactly as wide as it may be, and hides nothing', () => {
  const segments = [
    { name: 'used', value: 500_000 },
    { name: 'partly used', value: 0 },
    { name: 'reserved', value: 1 },
    { name: 'unused', value: 499_998 },
    { name: 'disabled', value: 1 },
  ];
  for (const columns of [4, 5, 40, 79, 80, 133]) {
    const [bar = '', legend] = stackedBarLines(segments, columns);
    expect(bar).toHaveLength(columns);
    expect(bar).toMatch(/^█+▒░+·$/);
    expect(legend).toBe('█ used 500000  ▒ reserved 1  ░ unused 499998  · disabled 1');
  }
  expect(stackedBarLines([{ name: 'used', value: 0 }], 80)).toEqual([]);
  expect(stackedBarLines([{ name: 'used', value: 3 }], 8)[0]).toBe('████████');
});

import type { Money } from '../../platform/money.ts';
import { moneyText } from '../output.ts';

/** Members of a detail on one line, without those that say nothing. */
export function detailText(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${valueText(value)}`)
    .join(', ');
}

function valueText(value: unknown): string {
  if (typeof value !== 'object') return String(value);
  return isMoney(value) ? String(moneyText(value)) : JSON.stringify(value);
}

const isMoney = (value: object | null): value is Money => value !== null && 'value' in value && 'currency' in value;

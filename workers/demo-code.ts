import { decimalsOf, type Money } from '../platform/money.ts';

/** Members of the API's answers that are used here. */
interface Answers {
  groups: { items: { id: string; name: string; amount: Money }[] };
  codes: { items: { code: string }[] };
  created: { codes: { code: string }[] };
  check: { redeemable: boolean };
}

const GROUP = 'Demo';
const CODES = 100;
const TIMEOUT_MS = 10_000;

/**
 * A demo code that can be redeemed: an old one that is left, else one of a new demo group. Goes through the API.
 * @param currency of what it is worth: 10 units
 */
export async function freshDemoCode(api: string, adminKey: string, currency: string): Promise<string | undefined> {
  const call = async <T>(path: string, body?: unknown): Promise<T> => {
    const response = await fetch(api + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { Authorization: `Bearer ${adminKey}`, 'Content-Type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the demo group could not be made: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const { items } = await call<Answers['groups']>(`/v1/code-groups?limit=200&q=${GROUP}`);
  const newest = items.find(({ name, amount }) => name === GROUP && amount.currency === currency);
  if (newest) {
    const unused = await call<Answers['codes']>(`/v1/code-groups/${newest.id}/codes?limit=1&state=unused`);
    const code = unused.items[0]?.code;
    if (code && (await call<Answers['check']>('/v1/code-checks', { code })).redeemable) return code;
  }
  const amount = { value: 10 * 10 ** decimalsOf(currency), currency };
  const created = await call<Answers['created']>('/v1/code-groups', {
    name: GROUP,
    amount,
    count: CODES,
    prefix: 'DEMO',
  });
  return created.codes.at(-1)?.code;
}

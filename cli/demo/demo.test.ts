import { expect, test } from 'vitest';
import { readPhone } from '../../platform/phone.ts';
import { problem, type Received, type Reply, runCli, startApi } from '../testing.ts';
import { fictitiousPhones } from './stage.ts';

/** Enough of a server for the demo; a code can be redeemed `winners` times. */
function serverWith(winners: number) {
  const amount = { value: 1000, currency: 'USD' };
  const completed: { id: string; code: string; phone: string }[] = [];
  const redemptionOf = ({ id, phone }: { id: string; phone: string }) => ({
    id,
    state: 'completed',
    amount,
    wallet: { id: 'w', phone, balance: amount },
    trace_url: `http://127.0.0.1:8233/${id}`,
  });
  const codes = [1, 2, 3, 4].map((n) => ({ id: `c${n}`, code: `DEMO-${n}` }));
  const transaction = { id: 't', kind: 'redemption', direction: 'credit', amount, balance_after: amount };
  const routes: Record<string, Reply | ((request: Received) => Reply)> = {
    'POST /v1/code-groups': { status: 201, body: { id: 'g', name: 'Demo', amount, created_at: 'now', codes } },
    'POST /v1/redemptions': ({ body }) => {
      const { code, phone } = JSON.parse(body);
      const uses = completed.filter((redemption) => redemption.code === code).length;
      const places = code === 'DEMO-2' ? winners : 1;
      if (uses >= places) return problem(409, 'code-already-redeemed', 'Code already redeemed');
      const redemption = { id: `r${completed.length}`, code, phone };
      completed.push(redemption);
      return { status: 201, body: redemptionOf(redemption) };
    },
    'GET /v1/redemptions': ({ url }) => {
      const id = new URL(url, 'http://x').searchParams.get('code_id')?.slice(1);
      const items = completed.filter(({ code }) => code === `DEMO-${id}`).map(redemptionOf);
      return { status: 200, body: { items, next_cursor: null } };
    },
    'GET /v1/wallets/w/transactions': { status: 200, body: { items: [transaction], next_cursor: null } },
  };
  for (const phone of fictitiousPhones(1500)) {
    const wallet = { id: 'w', phone, balance: amount, state: 'active' };
    routes[`GET /v1/wallets/${encodeURIComponent(phone)}`] = { status: 200, body: wallet };
  }
  return startApi(routes);
}

test('the demo tells what happened, and why it leaves a step out on a remote server', async () => {
  const api = await serverWith(1);
  const { exitCode, stdout } = await runCli(['demo', '--yes'], { url: api.url });
  await api.close();
  expect(exitCode).toBe(0);
  expect(stdout).toContain('code-already-redeemed\t499\n');
  expect(stdout).toContain('completed in the books\t1\n');
  expect(stdout).toContain('left out: ');
  expect(stdout).toContain('10.00 USD, the sum of its 1 transactions: 10.00 USD');
});

test('the demo fails when a gift code has two winners', async () => {
  const api = await serverWith(2);
  const { exitCode, stderr } = await runCli(['demo', '--yes'], { url: api.url });
  await api.close();
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: 'vouchsafe: 2 redemptions of one gift code completed\n',
  });
});

test('the demo asks before it writes to a server that is not this machine’s', async () => {
  expect((await runCli(['demo'])).exitCode).toBe(2);
});

test('its phones are valid numbers that belong to nobody, all different', () => {
  const phones = fictitiousPhones(1500);
  expect(new Set(phones).size).toBe(1500);
  for (const phone of phones) {
    expect(phone).toMatch(/^\+1\d{3}55501\d\d$/);
    expect(readPhone(phone)).toEqual({ ok: true, e164: phone });
  }
});

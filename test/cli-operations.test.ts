import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { operations } from '../api/routes/index.ts';
import { type Reply, runCli, startApi } from '../cli/testing.ts';
import { readConfig } from '../platform/config.ts';

const ID = '0198c5d2-3f00-7000-8000-000000000001';
const folder = mkdtempSync(join(tmpdir(), 'vouchsafe-cli-'));
writeFileSync(join(folder, 'given.csv'), 'code\nWELCOME2026\n');
afterAll(() => rmSync(folder, { recursive: true }));
const RANGE = ['--from', '2026-03-20T00:00:00Z', '--to', '2026-03-21T00:00:00Z'];

/** The command line that each operation is reached by. */
const commands: Record<string, string[]> = {
  'POST /v1/redemptions': ['redeem', 'CODE', '+989121234567'],
  'GET /v1/redemptions': ['redemptions', 'list'],
  'GET /v1/redemptions/{id}': ['redemptions', 'show', ID],
  'GET /v1/redemptions/{id}/timeline': ['explain', ID],
  'POST /v1/redemptions/{id}/abort': ['redemptions', 'abort', ID, '--reason', 'fraud', '--yes'],
  'POST /v1/redemptions/{id}/retry': ['redemptions', 'retry', ID],
  'POST /v1/redemptions/{id}/reverse': ['redemptions', 'reverse', ID, '--reason', 'refund', '--yes'],
  'POST /v1/redemptions/retry': ['redemptions', 'retry-stuck', '--step', 'credit'],
  'POST /v1/code-checks': ['check', 'CODE'],
  'POST /v1/code-groups': ['groups', 'create', '--name', 'Eid', '--amount', '1.00', '--count', '1'],
  'GET /v1/code-groups': ['groups', 'list'],
  'GET /v1/code-groups/{id}': ['groups', 'show', ID],
  'PATCH /v1/code-groups/{id}': ['groups', 'disable', ID],
  'GET /v1/code-groups/{id}/stats': ['groups', 'stats', ID],
  'GET /v1/code-groups/{id}/codes': ['groups', 'codes', ID],
  'GET /v1/code-groups/{id}/codes.csv': ['groups', 'export', ID, '--out', join(folder, 'codes.csv')],
  'GET /v1/code-groups/{id}/redeemers': ['groups', 'redeemers', ID],
  'POST /v1/code-groups/{id}/codes': ['groups', 'import', ID, join(folder, 'given.csv')],
  'POST /v1/code-groups/{id}/cancel-generation': ['groups', 'cancel-generation', ID, '--yes'],
  'GET /v1/codes/{id}': ['codes', 'show', ID],
  'POST /v1/codes/lookup': ['codes', 'show', 'CODE'],
  'PATCH /v1/codes/{id}': ['codes', 'disable', ID],
  'POST /v1/wallets': ['wallets', 'create', '+989121234567'],
  'GET /v1/wallets': ['wallets', 'list'],
  'GET /v1/wallets/{wallet}': ['wallets', 'show', ID],
  'PATCH /v1/wallets/{wallet}': ['wallets', 'freeze', ID],
  'POST /v1/wallets/{wallet}/credits': ['wallets', 'credit', ID, '1.00'],
  'POST /v1/wallets/{wallet}/debits': ['wallets', 'debit', ID, '1.00'],
  'GET /v1/wallets/{wallet}/transactions': ['wallets', 'transactions', ID],
  'POST /v1/api-keys': ['keys', 'create', '--name', 'till', '--scope', 'ops:read'],
  'GET /v1/api-keys': ['keys', 'list'],
  'GET /v1/api-keys/{id}': ['keys', 'show', ID],
  'POST /v1/api-keys/{id}/rotate': ['keys', 'rotate', ID, '--yes'],
  'DELETE /v1/api-keys/{id}': ['keys', 'revoke', ID, '--yes'],
  'GET /v1/audit-log': ['audit'],
  'POST /v1/webhook-endpoints': ['webhooks', 'create', 'https://hooks.example/'],
  'GET /v1/webhook-endpoints': ['webhooks', 'list'],
  'GET /v1/webhook-endpoints/{id}': ['webhooks', 'show', ID],
  'PATCH /v1/webhook-endpoints/{id}': ['webhooks', 'update', ID, '--disable'],
  'DELETE /v1/webhook-endpoints/{id}': ['webhooks', 'delete', ID, '--yes'],
  'POST /v1/webhook-endpoints/{id}/test': ['webhooks', 'test', ID],
  'POST /v1/webhook-endpoints/{id}/rotate-secret': ['webhooks', 'rotate-secret', ID, '--yes'],
  'GET /v1/webhook-endpoints/{id}/deliveries': ['webhooks', 'deliveries', ID],
  'GET /v1/webhook-deliveries/{id}': ['explain', ID],
  'POST /v1/webhook-deliveries/{id}/retry': ['webhooks', 'retry', ID],
  'GET /v1/outbox': ['outbox', 'status'],
  'POST /v1/outbox/replay': ['outbox', 'replay', '--part', 'wallet', ...RANGE, '--yes'],
  'POST /v1/reconciliations': ['reconcile'],
  'GET /v1/reconciliations': ['reconciliations'],
  'GET /v1/reconciliations/{id}': ['explain', ID],
  'GET /v1/diagnostics': ['doctor'],
};

const names = operations(readConfig({})).map(({ method, path }) => `${method} ${path}`);

test('every operation of the API has a command', () => {
  expect(Object.keys(commands).sort()).toEqual(names.toSorted());
});

test.each(Object.entries(commands))('%s', async (name, argv) => {
  const asked = name.replace(/\{\w+\}/, ID);
  const found: Reply = { status: 200, body: { id: ID, event_id: '', items: [], next_cursor: null, state: 'balanced' } };
  const api = await startApi({
    [asked]: found,
    'GET /healthz': { status: 200, body: { status: 'ok' } },
    ...(asked.endsWith('/timeline') && { [asked.replace(/\/timeline$/, '')]: found }),
  });
  try {
    await runCli([...argv, ...(NOT_DATA.has(name) ? [] : ['--json'])], { url: api.url });
    expect(api.received.map(({ method, url }) => `${method} ${url.split('?')[0]}`)).toContain(asked);
  } finally {
    await api.close();
  }
});

/** Commands that print nothing of the API's. */
const NOT_DATA = new Set(['GET /v1/code-groups/{id}/codes.csv', 'DELETE /v1/webhook-endpoints/{id}']);

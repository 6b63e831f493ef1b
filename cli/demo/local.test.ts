import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../platform/local/postgres.ts';
import { createCli } from '../cli.ts';
import { startApi, surroundings, written } from '../testing.ts';
import { books } from './books.ts';
import type { Stage } from './stage.ts';
import { stuckAndHealed } from './stuck.ts';

/** The steps that look into the wallet database, on a real one with the real schema. */

const PHONE = '+12025550100';
const WALLET = '00000000-0000-4000-8000-000000000001';
const OPERATOR = '00000000-0000-4000-8000-000000000002';
const MIGRATIONS = new URL('../../drizzle/wallet/', import.meta.url);
const amount = { value: 1000, currency: 'USD' };

const directory = mkdtempSync(join(tmpdir(), 'vouchsafe-test-'));
let server: PostgresServer;
let database: pg.Client;

beforeAll(async () => {
  server = await startPostgres({ directory, memory: true });
  database = new pg.Client({ connectionString: server.url });
  await database.connect();
  for (const file of readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort()) {
    await database.query(readFileSync(new URL(file, MIGRATIONS), 'utf8'));
  }
  await database.query(`insert into wallets (id, phone, currency, balance, version) values ($1, $2, 'USD', 1000, 3)`, [
    WALLET,
    PHONE,
  ]);
  await move(OPERATOR, WALLET, 1500, 1500, 2);
  await move(WALLET, OPERATOR, 500, 1000, 3);
}, 120_000);

afterAll(async () => {
  await database?.end();
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function move(from: string, to: string, minorUnits: number, balanceAfter: number, version: number) {
  return database.query(
    `insert into transfers (id, wallet_id, debit_account, credit_account, amount, currency, balance_after, wallet_version, kind)
     values (gen_random_uuid(), $1, $2, $3, $4, 'USD', $5, $6, $7)`,
    [WALLET, from, to, minorUnits, balanceAfter, version, to === WALLET ? 'credit' : 'debit'],
  );
}

/** Whether somebody holds the wallet's row. */
async function isLocked(): Promise<boolean> {
  return database.query('select 1 from wallets where id = $1 for update nowait', [WALLET]).then(
    () => false,
    (error: unknown) => error instanceof pg.DatabaseError && error.code === '55P03',
  );
}

async function stageAt(apiUrl: string): Promise<{ stage: Stage; shown: () => string }> {
  const streams = surroundings({ url: apiUrl, walletDatabaseUrl: server.url });
  const group = { id: 'g', name: 'Demo', amount, created_at: 'now' };
  const stage = { cli: createCli(streams), group, phone: PHONE, nextCode: () => ({ id: 'c', code: 'DEMO-1' }) };
  return { stage, shown: () => written(streams.stdout) };
}

test('a redemption is stuck while its wallet is locked, others are not, and it heals when the lock goes', async () => {
  let reads = 0;
  const api = await startApi({
    'POST /v1/redemptions': ({ body }) =>
      JSON.parse(body).phone === PHONE
        ? { status: 202, body: { id: 'r', state: 'reserved' } }
        : { status: 201, body: { id: 'other', state: 'completed' } },
    'GET /v1/redemptions/r': async () => {
      // Its first attempt is not over when it is looked at first.
      const lastError = reads === 0 ? null : 'lock timeout';
      const stuck = (await isLocked()) ? { step: 'credit', attempts: ++reads, last_error: lastError } : null;
      return {
        status: 200,
        body: { id: 'r', state: stuck ? 'reserved' : 'completed', stuck, trace_url: 'http://trace/r' },
      };
    },
  });
  const { stage, shown } = await stageAt(api.url);
  await stuckAndHealed(stage);
  await api.close();
  const text = shown();
  for (const part of ['stuck in\tcredit', 'last error\tlock timeout', 'http://trace/r', 'another phone: completed']) {
    expect(text).toContain(part);
  }
  expect(text).toMatch(/state\tcompleted \d+ s later/);
  expect(await isLocked()).toBe(false);
});

test('the books are added up from the transfers, and a wallet that differs is found', async () => {
  const transaction = { id: 't', kind: 'credit', direction: 'credit', amount, balance_after: amount };
  const api = await startApi({
    [`GET /v1/wallets/${encodeURIComponent(PHONE)}`]: { status: 200, body: { id: WALLET, balance: amount } },
    [`GET /v1/wallets/${WALLET}/transactions`]: { status: 200, body: { items: [transaction], next_cursor: null } },
  });
  const { stage, shown } = await stageAt(api.url);
  await books(stage);
  expect(shown()).toContain('USD\t1\t15.00\t5.00\t10.00\t0\n');
  await database.query('update wallets set balance = balance + 1');
  await expect(books(stage)).rejects.toThrow('the books do not agree');
  await api.close();
});

test('a wallet database that is away is one line, not a stack', async () => {
  const { stage } = await stageAt('http://127.0.0.1:9');
  stage.cli.settings = () => ({ url: '', key: '', currency: 'USD', walletDatabaseUrl: 'postgres://x@127.0.0.1:9/x' });
  await expect(stuckAndHealed(stage)).rejects.toThrow(/^the wallet database: .*ECONNREFUSED/);
});

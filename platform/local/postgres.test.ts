import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { createPart } from './parts.ts';
import { startPostgres } from './postgres.ts';
import { stopped, temporaryFolder } from './testing/folder.ts';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

describe('a private Postgres', { timeout: 120_000 }, () => {
  test('keeps what was committed over a stop and over a kill, on the same port', async () => {
    const directory = await temporaryFolder();
    const first = stopped(await startPostgres({ directory }));
    await query(first.url, 'create table kept as select 1 as n');
    await first.stop();
    const second = stopped(await startPostgres({ directory, port: first.port }));
    await query(second.url, 'insert into kept values (2)');
    await second.kill();
    const third = stopped(await startPostgres({ directory, port: first.port }));
    expect(third.url).toBe(first.url);
    expect(await query(third.url, 'select n from kept order by n')).toEqual([1, 2]);
  });

  test('starts although its old pid is now another process', async () => {
    const directory = await temporaryFolder();
    const first = stopped(await startPostgres({ directory }));
    const pidFile = join(directory, 'data', 'postmaster.pid');
    const stale = (await readFile(pidFile, 'utf8')).replace(String(first.pid), '1');
    await first.kill();
    await writeFile(pidFile, stale);
    stopped(await startPostgres({ directory }));
  });

  test('commits to the disk, in UTF-8 and byte order, and lets nobody in without the password', async () => {
    const server = stopped(
      await startPostgres({ directory: await temporaryFolder(), parameters: { max_connections: '7' } }),
    );
    const settings = `select current_setting(name) from unnest(array['fsync', 'synchronous_commit', 'server_encoding',
      'lc_collate', 'listen_addresses', 'max_connections']) with ordinality as s(name, at) order by at`;
    const byDatabase = settings.replace(`'lc_collate', `, '');
    expect(await query(server.url, byDatabase)).toEqual(['on', 'on', 'UTF8', '127.0.0.1', '7']);
    expect(await query(server.url, `select datcollate from pg_database where datname = 'postgres'`)).toEqual(['C']);
    await expect(query(server.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
      'password authentication',
    );
  });

  test('in memory leaves nothing behind', async () => {
    const directory = await temporaryFolder();
    const server = stopped(await startPostgres({ directory, memory: true }));
    await query(server.url, 'create table gone ()');
    const [data] = await query(server.url, 'show data_directory');
    await server.stop();
    expect(existsSync(dirname(String(data)))).toBe(false);
    const again = stopped(await startPostgres({ directory, memory: true }));
    expect(await query(again.url, `select to_regclass('gone')`)).toEqual([null]);
  });

  test('gives each part a database that only its own role can enter', async () => {
    const { url } = stopped(await startPostgres({ directory: await temporaryFolder(), memory: true }));
    const wallet = await createPart(url, 'wallet', { password: 'w' });
    const giftCode = await createPart(url, 'gift_code', { password: 'g' });
    await query(wallet, 'create table wallets ()');
    expect(await query(wallet, 'select current_user, current_database()')).toEqual([
      'vouchsafe_wallet',
      'vouchsafe_wallet',
    ]);
    const trespass = Object.assign(new URL(giftCode), { pathname: new URL(wallet).pathname }).href;
    await expect(query(trespass, 'select 1')).rejects.toThrow('permission denied for database');
    await expect(query(giftCode, 'create role mine')).rejects.toThrow('permission denied');
    await expect(query(giftCode, 'create database mine')).rejects.toThrow('permission denied');
  });

  test('makes a part once, however many ask at once, and keeps its data', async () => {
    const { url } = stopped(await startPostgres({ directory: await temporaryFolder(), memory: true }));
    const options = { databaseName: 'copy-7', roleName: `o'neil "x"`, password: `p'@/ ` };
    const urls = await Promise.all([1, 2, 3].map(() => createPart(url, 'gateway', options)));
    expect(new Set(urls).size).toBe(1);
    const [part = ''] = urls;
    await query(part, 'create table kept ()');
    expect(await createPart(url, 'gateway', options)).toBe(part);
    expect(await query(part, `select to_regclass('kept')::text`)).toEqual(['kept']);
  });
});

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { beforeAll, expect, inject, test } from 'vitest';
import { migrateDatabase } from '../platform/database.ts';
import { createPart, PARTS, type Part } from '../platform/local/index.ts';

/** Where each part's role reaches its own database. */
const urls = {} as Record<Part, URL>;

beforeAll(async () => {
  const name = `r${randomBytes(6).toString('hex')}`;
  for (const part of PARTS) {
    const options = { databaseName: `${name}_${part}`, roleName: `${name}_${part}` };
    urls[part] = new URL(await createPart(inject('servers').postgresUrl, part, options));
  }
  await migrateDatabase('gateway', urls.gateway.href);
  await migrateDatabase('gift-code', urls.gift_code.href);
  await migrateDatabase('wallet', urls.wallet.href);
});

async function as<T>(url: URL | string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: String(url) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
const connect = (url: URL) => as(url, async () => 'connected');
const pairs = PARTS.flatMap((mine) => PARTS.filter((other) => other !== mine).map((other) => [mine, other] as const));

test.each(PARTS)('the part %s reaches its own database and may work in it', async (part) => {
  const { rows } = await as(urls[part], (client) =>
    client.query(`select current_user as role, pg_catalog.current_database()`),
  );
  expect(rows).toEqual([{ role: urls[part].username, current_database: urls[part].pathname.slice(1) }]);
});

test.each(pairs)('whoever takes over the part %s does not get into the data of %s', async (mine, other) => {
  const url = Object.assign(new URL(urls[mine]), { pathname: urls[other].pathname });
  await expect(connect(url)).rejects.toMatchObject({ code: '42501' });
});

test.each(pairs)('nor does the password of %s open the role of %s', async (mine, other) => {
  const url = Object.assign(new URL(urls[other]), { password: urls[mine].password });
  await expect(connect(url)).rejects.toMatchObject({ code: '28P01' });
});

test.each(PARTS)('the role of %s has no power over the server', async (part) => {
  const { rows } = await as(urls[part], (client) =>
    client.query(
      `select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
         (select count(*)::int from pg_auth_members where member = r.oid) as memberships
       from pg_roles r where rolname = current_user`,
    ),
  );
  expect(rows).toEqual([
    {
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
      rolbypassrls: false,
      memberships: 0,
    },
  ]);
});

test.each([
  ['run programs', `copy (select 1) to program 'true'`],
  ['read files', `select pg_read_file('/etc/passwd')`],
  ['make roles', 'create role vouchsafe_intruder'],
  ['make databases', 'create database vouchsafe_intruder'],
  ['become another role', 'set role postgres'],
  ['give itself power', 'alter role current_user superuser'],
  ['read passwords', 'select rolpassword from pg_authid'],
])('a role of a part cannot %s', async (_, sql) => {
  await expect(as(urls.wallet, (client) => client.query(sql))).rejects.toMatchObject({ code: '42501' });
});

test('a role of a part sees nothing of what others run, in which there may be secrets', async () => {
  const marked = await as(urls.gift_code, async (giftCode) => {
    const running = giftCode.query('select pg_backend_pid() as pid, current_database() as "a secret of gift-code"');
    const { pid } = (await running).rows[0];
    return as(urls.wallet, (wallet) => wallet.query('select query from pg_stat_activity where pid = $1', [pid]));
  });
  expect(marked.rows).toEqual([{ query: '<insufficient privilege>' }]);
});

import { randomBytes, randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { migrateDatabase, migrationsFolder } from '../platform/database.ts';
import { createPart } from '../platform/local/index.ts';

type Part = 'gift-code' | 'wallet';

/** Brings a database to where it was before a migration. */
async function migrateUpTo(part: Part, url: string, last: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-migrations-'));
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await cp(migrationsFolder(part), folder, { recursive: true });
    const file = join(folder, 'meta/_journal.json');
    const journal = JSON.parse(await readFile(file, 'utf8')) as { entries: { tag: string }[] };
    journal.entries = journal.entries.slice(
      0,
      journal.entries.findIndex(({ tag }) => tag === last),
    );
    await writeFile(file, JSON.stringify(journal));
    await migrate(drizzle(client), { migrationsFolder: folder });
  } finally {
    await client.end();
    await rm(folder, { recursive: true });
  }
}

test.each([
  ['gift-code', '0007_outbox_batches'],
  ['wallet', '0003_outbox_batches'],
] as const)(
  'events that wait in the outbox of %s when it is upgraded are still there, with those that come after',
  async (part, tag) => {
    const name = `m${randomBytes(6).toString('hex')}`;
    const url = await createPart(inject('servers').postgresUrl, part === 'wallet' ? 'wallet' : 'gift_code', {
      databaseName: name,
      roleName: name,
    });
    await migrateUpTo(part, url, tag);
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    try {
      const id = randomUUID();
      await pool.query(`insert into outbox (aggregate, aggregate_id, aggregate_version, type, data, published_at) values
      ('wallet', '${id}', 1, 'wallet.created', '{"n": 1}', now()), ('wallet', '${id}', 2, 'wallet.credited', '{"n": 2}', null)`);
      const columns = 'aggregate, aggregate_id, aggregate_version, type, data, occurred_at, published_at';
      const before = await pool.query(`select sequence, ${columns} from outbox order by sequence`);

      await migrateDatabase(part, url);
      const after = await pool.query(`select sequence, ${columns} from outbox order by sequence`);
      expect(after.rows).toEqual(before.rows);
      await pool.query(`insert into outbox_batches (aggregate, event_count, events)
      values ('wallet', 1, ('[' || event_1('${id}', 3, 'wallet.credited', '{}') || ']')::json)`);
      const { rows } = await pool.query(`select aggregate_version from outbox order by sequence`);
      expect(rows.map(({ aggregate_version }) => Number(aggregate_version))).toEqual([1, 2, 3]);
    } finally {
      await pool.end();
    }
  },
);

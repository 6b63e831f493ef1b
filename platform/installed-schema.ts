import { readMigrationFiles } from 'drizzle-orm/migrator';
import type pg from 'pg';
import { migrationsFolder, type Part, query, readFunctionFiles } from './database.ts';

export interface InstalledSchema {
  migrations: number;
  /** Hashes of migrations that are missing, or names of files whose functions are missing or of another version. */
  missing: string[];
}

/** Compares what a part's database has with what this version brings: migrations and SQL functions. @throws DatabaseUnavailable */
export async function installedSchema(part: Part, pool: pg.Pool, timeoutMs: number): Promise<InstalledSchema> {
  const migrations = readMigrationFiles({ migrationsFolder: migrationsFolder(part) });
  const functions = await readFunctionFiles(part);
  const read = async <Row extends object>(text: string) => (await query<Row>(pool, { text }, timeoutMs)).rows;
  const applied = await read<{ hash: string }>('select hash from drizzle.__drizzle_migrations');
  const hashes = new Set(applied.map(({ hash }) => hash));
  const digests = new Map<string, string>();
  if (functions.length > 0) {
    const rows = await read<{ file: string; sha256: string }>('select file, sha256 from installed_functions');
    for (const { file, sha256 } of rows) digests.set(file, sha256);
  }
  return {
    migrations: applied.length,
    missing: [
      ...migrations.filter(({ hash }) => !hashes.has(hash)).map(({ folderMillis }) => `migration ${folderMillis}`),
      ...functions.filter(({ file, sha256 }) => digests.get(file) !== sha256).map(({ file }) => file),
    ],
  };
}

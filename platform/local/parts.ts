import pg from 'pg';
import { newPassword } from './secrets.ts';

/** A part of Vouchsafe that owns a database. */
export type Part = 'gift_code' | 'wallet' | 'gateway';

export const PARTS: readonly Part[] = ['gift_code', 'wallet', 'gateway'];

export interface PartOptions {
  databaseName?: string | undefined;
  roleName?: string | undefined;
  /** Without it, the role gets a new random one at each call. */
  password?: string | undefined;
}

/** The name of a part's database, and of the role that owns it. */
export function partName(part: Part): string {
  return `vouchsafe_${part}`;
}

/**
 * Makes a part's database and the role that owns it, unless they are there, and lets nobody else in.
 * Several may do this at once: an advisory lock of the server puts them in a row.
 * @returns the URL by which the role reaches its database
 */
export async function createPart(superuserUrl: string, part: Part, options: PartOptions = {}): Promise<string> {
  const {
    databaseName = partName(part),
    roleName = options.databaseName ?? partName(part),
    password = newPassword(),
  } = options;
  const client = new pg.Client({ connectionString: superuserUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const [database, role] = [client.escapeIdentifier(databaseName), client.escapeIdentifier(roleName)];
    await client.query(`select pg_advisory_lock(hashtext('vouchsafe create part'))`);
    const has = async (sql: string, name: string) => (await client.query(sql, [name])).rowCount === 1;
    if (!(await has('select from pg_roles where rolname = $1', roleName))) await client.query(`create role ${role}`);
    await client.query(
      `alter role ${role} login nosuperuser nocreatedb nocreaterole noreplication password ${client.escapeLiteral(password)}`,
    );
    if (!(await has('select from pg_database where datname = $1', databaseName)))
      await client.query(`create database ${database} owner ${role} encoding 'UTF8' template template0`);
    await client.query(`revoke all on database ${database} from public`);
  } finally {
    await client.end();
  }
  return Object.assign(new URL(superuserUrl), { username: roleName, password, pathname: `/${databaseName}` }).href;
}

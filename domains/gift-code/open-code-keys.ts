import { type CodeKeys, fingerprint, makeCodeKeys, readCodeKeys } from '../../platform/code-keys.ts';
import { ConfigError } from '../../platform/config.ts';
import type { GiftCodeDatabase } from './database.ts';
import { codeKeys } from './schema.ts';

/**
 * The keys that the codes in this database were hashed and sealed with; the first keys are made here. Without the right
 * keys no code could be found, so a start without them is refused. @throws ConfigError
 */
export async function openCodeKeys(db: GiftCodeDatabase, home: string, fromEnvironment?: string): Promise<CodeKeys> {
  const known = await db.orm.select().from(codeKeys);
  let keys = await readCodeKeys(home, fromEnvironment);
  if (!keys) {
    if (known.length > 0) {
      throw new ConfigError(
        `the code keys are missing: restore ${home}/keys/codes.json or set VOUCHSAFE_CODE_KEYS; the codes in the database cannot be found without them`,
      );
    }
    keys = await makeCodeKeys(home);
  }
  const own = marksOf(keys);
  assertSame(known, own);
  await db.orm.insert(codeKeys).values(own).onConflictDoNothing();
  // Another process may have been first.
  assertSame(await db.orm.select().from(codeKeys), own);
  return keys;
}

type Mark = typeof codeKeys.$inferSelect;

/** Whether keys are still those that the codes in the database were hashed and sealed with. */
export async function codeKeysMatch(db: GiftCodeDatabase, keys: CodeKeys): Promise<boolean> {
  const own = marksOf(keys);
  return (await db.orm.select().from(codeKeys)).every((row) => isSame(row, matchOf(row, own)));
}

const marksOf = ({ peppers, seals }: CodeKeys): Mark[] => [
  ...peppers.map((key) => ({ purpose: 'pepper' as const, keyId: key.id, fingerprint: fingerprint(key) })),
  ...seals.map((key) => ({ purpose: 'seal' as const, keyId: key.id, fingerprint: fingerprint(key) })),
];

const matchOf = (row: Mark, own: Mark[]) => own.find((key) => key.purpose === row.purpose && key.keyId === row.keyId);

const isSame = (row: Mark, match: Mark | undefined): boolean => match?.fingerprint.equals(row.fingerprint) === true;

function assertSame(registered: Mark[], own: Mark[]): void {
  for (const row of registered) {
    const match = matchOf(row, own);
    if (!isSame(row, match)) {
      throw new ConfigError(
        `the code keys are not those of this database: its ${row.purpose} key ${row.keyId} is ${match ? 'another one' : 'missing'}`,
      );
    }
  }
}

import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type CodeKey, type CodeKeys, unsealCode } from '../../platform/code-keys.ts';
import { generateCodeText } from '../../platform/code-text.ts';
import { lacksKey, operationError } from '../../platform/database-errors.ts';
import { newId } from '../../platform/ids.ts';
import {
  createDatabases,
  dump,
  hold,
  newGroup,
  openTransaction,
  type TestDatabases,
  untilWaiting,
} from '../../test/database.ts';
import { createCodeGroup } from './create-code-group.ts';
import { importCodes } from './import-codes.ts';
import { codeKeysFit, marksOf, openCodeKeys } from './open-code-keys.ts';
import { codeHashCandidates, findCode } from './read-codes.ts';
import { renewCodes } from './renew-codes.ts';

const newKey = (id: number): CodeKey => ({ id, key: randomBytes(32) });
const first: CodeKeys = { peppers: [newKey(1)], seals: [newKey(1)] };
const second: CodeKeys = { peppers: [newKey(2)], seals: [newKey(2)] };
const both: CodeKeys = {
  peppers: [...first.peppers, ...second.peppers],
  seals: [...first.seals, ...second.seals],
};

/** As long as not every process has the second ones: it writes with the first. */
const behind: CodeKeys = { peppers: both.peppers, seals: [...both.seals].reverse() };

const encode = (keys: CodeKey[]) => keys.map(({ id, key }) => ({ id, key: key.toString('base64') }));
const open = (own: TestDatabases, { peppers, seals }: CodeKeys, db = own.giftCodeDb) =>
  openCodeKeys(db, '/nowhere', JSON.stringify({ peppers: encode(peppers), seals: encode(seals) }));
const find = (own: TestDatabases, code: string, keys: CodeKeys) =>
  findCode(
    own.giftCodeDb,
    codeHashCandidates(keys, code, () => true),
  );

type Made = { id: string; code: string }[];
async function make(own: TestDatabases, keys: CodeKeys, more: Parameters<typeof newGroup>[0], db = own.giftCodeDb) {
  const created = await createCodeGroup(db, keys, newGroup(more));
  if (!created.ok) throw new Error(created.reason);
  return created.codes as Made;
}

/** Codes of all kinds: also given ones that look like generated ones, with something before them or not. */
async function makeAll(own: TestDatabases, keys: CodeKeys): Promise<Made> {
  const texts = ['WELCOME2026', generateCodeText(randomBytes), `XMAS${generateCodeText(randomBytes)}`, 'ABCD'];
  return [
    ...(await make(own, keys, { codes: 4, prefix: 'EID' })),
    ...(await make(own, keys, { codes: 3 })),
    ...(await make(own, keys, { codes: texts.map((text) => ({ text, maxRedemptions: 5 })) })),
  ];
}

async function withDatabases(work: (own: TestDatabases) => Promise<void>) {
  const own = await createDatabases();
  try {
    await work(own);
  } finally {
    await own.close();
  }
}

const keysOf = async (own: TestDatabases) =>
  (await own.giftCode.query('select key_id, count(*)::int as hashes from code_hashes group by 1 order by 1')).rows;
const readable = async (own: TestDatabases, made: Made, keys: CodeKeys) => {
  for (const { id, code } of made) {
    expect(await find(own, code, keys)).toBe(id);
    const { rows } = await own.giftCode.query('select sealed, seal_key_id from codes where id = $1', [id]);
    expect(unsealCode(keys.seals, rows[0].seal_key_id, id, rows[0].sealed)).toBe(code);
  }
};

describe('keys that are replaced', () => {
  test.each([2, 11, 1_000])('are found by all codes, %i at a time, and then the old ones can go', (piece) =>
    withDatabases(async (own) => {
      await open(own, first);
      const made = await makeAll(own, first);
      await open(own, both);
      expect(await codeKeysFit(own.giftCodeDb, marksOf(both))).toEqual({
        complete: true,
        superseded: [],
        underway: ['pepper 2', 'seal 2'],
      });
      expect(await find(own, made[0]?.code ?? '', second)).toBeUndefined();
      await expect(open(own, second)).rejects.toThrow('pepper key 1 is missing');

      expect(await renewCodes(own.giftCodeDb, both, piece)).toBe(11);
      expect(await codeKeysFit(own.giftCodeDb, marksOf(both))).toEqual({
        complete: true,
        superseded: ['pepper 1', 'seal 1'],
        underway: [],
      });
      await readable(own, made, both);
      expect(await renewCodes(own.giftCodeDb, both, piece)).toBe(0);
      const later = await make(own, both, { codes: 2 });

      await open(own, second);
      await readable(own, [...made, ...later], second);
      expect(await codeKeysFit(own.giftCodeDb, marksOf(second))).toEqual({
        complete: true,
        superseded: [],
        underway: [],
      });
      await renewCodes(own.giftCodeDb, second, piece);
      expect(await keysOf(own)).toEqual([{ key_id: 2, hashes: 13 }]);
      expect(await open(own, second)).toEqual(second);
      await expect(make(own, both, { codes: 1 })).rejects.toMatchObject({ cause: { code: 'VS002' } });
      expect(await renewCodes(own.giftCodeDb, second, piece)).toBe(0);
    }),
  );

  test('are followed from where it was left', () =>
    withDatabases(async (own) => {
      await open(own, first);
      const made = await makeAll(own, first);
      await open(own, both);
      let looked = 0;
      while (looked < 11) looked += await renewCodes(own.giftCodeDb, both, 4, () => false);
      expect(looked).toBe(11);
      await readable(own, made, { ...second, seals: both.seals });
    }));

  test('of which the old ones are gone too early stop the start, and nothing is changed', () =>
    withDatabases(async (own) => {
      await open(own, first);
      await makeAll(own, first);
      await open(own, both);
      await renewCodes(own.giftCodeDb, both, 4, () => false);
      const before = await dump(own.giftCode);
      await expect(open(own, second)).rejects.toThrow('is missing');
      await expect(open(own, { ...both, peppers: second.peppers })).rejects.toThrow('pepper key 1 is missing');
      await expect(open(own, { ...both, seals: second.seals })).rejects.toThrow('seal key 1 is missing');
      await expect(open(own, { ...both, peppers: [newKey(1), ...second.peppers] })).rejects.toThrow('another one');
      expect(await dump(own.giftCode)).toEqual(before);
    }));

  test('may come back before their hashes are all gone', () =>
    withDatabases(async (own) => {
      await open(own, first);
      const made = await makeAll(own, first);
      await open(own, both);
      await renewCodes(own.giftCodeDb, both, 100);
      await open(own, second);
      await renewCodes(own.giftCodeDb, second, 5, () => false);
      const back = { peppers: [...both.peppers].reverse(), seals: both.seals };
      await open(own, back);
      await renewCodes(own.giftCodeDb, back, 5);
      await readable(own, made, { ...back, peppers: first.peppers });
    }));
});

describe('a process that lacks a key, or has an old one', () => {
  test('adds no codes, since one of them could be there already', () =>
    withDatabases(async (own) => {
      await open(own, first);
      await open(own, both);
      const refused = await make(own, first, { codes: 1 }).catch((error: unknown) => error);
      expect(lacksKey(operationError(refused))).toBe(true);
      expect(await keysOf(own)).toEqual([]);
    }));

  test('and adds codes at the moment holds the key up until it is done', () =>
    withDatabases(async (own) => {
      await open(own, first);
      const adding = await openTransaction(own.giftCodeDb);
      await adding.db.reads.query('select check_peppers_1($1)', [[1]]);
      const opened = open(own, both);
      await untilWaiting(own.giftCode);
      await adding.commit();
      await opened;
      expect(await codeKeysFit(own.giftCodeDb, marksOf(both))).toMatchObject({ underway: ['pepper 2', 'seal 2'] });
    }));

  test.each<[string, (own: TestDatabases) => Promise<unknown>]>([
    ['adds codes', (own) => make(own, behind, { codes: 3 })],
    ['goes through all codes', (own) => renewCodes(own.giftCodeDb, behind, 5)],
  ])('at the end, and %s, keeps the old one from going until all codes were looked at again', (_, work) =>
    withDatabases(async (own) => {
      await open(own, first);
      const made = await makeAll(own, first);
      await open(own, behind);
      await renewCodes(own.giftCodeDb, behind, 5);
      await renewCodes(own.giftCodeDb, both, 5);
      expect(await codeKeysFit(own.giftCodeDb, marksOf(both))).toMatchObject({ superseded: ['pepper 1', 'seal 1'] });
      await work(own);
      expect(await codeKeysFit(own.giftCodeDb, marksOf(both))).toMatchObject({
        superseded: ['pepper 1'],
        underway: ['seal 2'],
      });
      await expect(open(own, second)).rejects.toThrow('seal key 1 is missing');
      expect(await renewCodes(own.giftCodeDb, both, 5)).toBeGreaterThan(0);
      await open(own, second);
      await readable(own, made, second);
    }),
  );

  test('and adds codes holds the last piece up until it is done', () =>
    withDatabases(async (own) => {
      await open(own, first);
      await open(own, both);
      const groupId = newId();
      await make(own, both, { id: groupId, codes: 1 });
      // Taken after the codes are written.
      const lengths = await hold(own.giftCodeDb, 'lock table given_code_lengths in exclusive mode');
      const added = importCodes(own.giftCodeDb, behind, {
        id: randomUUID(),
        groupId,
        codes: ['LATE1', 'LATE2', 'LATE3'].map((text) => ({ text, maxRedemptions: 1 })),
        invalid: { invalid: [], invalid_total: 0 },
        requestHash: randomBytes(32),
      });
      await untilWaiting(own.giftCode, 1);
      const renewed = renewCodes(own.giftCodeDb, both, 5);
      await untilWaiting(own.giftCode, 2);
      await lengths.free();
      expect(await added).toMatchObject({ ok: true, report: { imported: 3 } });
      expect(await renewed).toBe(4);
      await open(own, second);
      expect(await find(own, 'LATE3', second)).toBeDefined();
    }));
});

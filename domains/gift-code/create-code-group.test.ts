import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CodeKeys, hashCode, unsealCode } from '../../platform/code-keys.ts';
import { readCode } from '../../platform/code-text.ts';
import { migrationsFolder } from '../../platform/database.ts';
import { createDatabases, dump, eventsOf, newGroup, openTransaction, untilWaiting } from '../../test/database.ts';
import { forFile } from '../../test/harness.ts';
import { createCodeGroup, type NewCodeGroup } from './create-code-group.ts';
import { openCodeKeys } from './open-code-keys.ts';
import { codeHashCandidates, findCode } from './read-codes.ts';

const databases = await forFile(createDatabases());

const call = (group: NewCodeGroup, keys = databases.keys, db = databases.giftCodeDb) =>
  createCodeGroup(db, keys, group);
const given = (...texts: string[]) => texts.map((text) => ({ text, maxRedemptions: 1 }));
const newText = () => `G${randomBytes(5).toString('hex').toUpperCase()}`;

async function made(group: NewCodeGroup, keys = databases.keys): Promise<{ id: string; code: string }[]> {
  const created = await call(group, keys);
  if (!created.ok) throw new Error(created.reason);
  return created.codes;
}
function find(code: string, keys: CodeKeys, isGivenLength = (_: number) => true): Promise<string | undefined> {
  const hashes = codeHashCandidates(keys, code, isGivenLength);
  if (hashes.length === 0) throw new Error(`${code} cannot be read`);
  return findCode(databases.giftCodeDb, hashes);
}

describe('a group', () => {
  test('of generated codes: different ones with a check character, each found by its text and redeemable once', async () => {
    const group = newGroup({ codes: 50, prefix: 'EID' });
    const codes = await made(group);
    expect(new Set(codes.map(({ code }) => code)).size).toBe(50);
    for (const { id, code } of codes) {
      expect(code).toMatch(/^EID(-[0-9A-HJKMNP-TV-Z]{4}){4}$/);
      expect(readCode(code)).toMatchObject({ ok: true, generated: code.replaceAll('-', '').slice(3) });
      expect(await find(code, databases.keys, () => false)).toBe(id);
    }
    const { rows } = await databases.giftCode.query(
      'select id, position, max_redemptions, reserved, redeemed, last4 from codes where group_id = $1 order by position',
      [group.id],
    );
    expect(rows).toEqual(
      codes.map(({ id, code }, index) => {
        return { id, position: index + 1, max_redemptions: 1, reserved: 0, redeemed: 0, last4: code.slice(-4) };
      }),
    );
  });

  test('of short given codes: four characters stay hidden, also of those that were there before', async () => {
    const texts = ['QZ7K', 'QZ7KX', 'QZ7KXWV', 'QZ7KXWVT', 'QZ7KXWVTS'];
    const shown = ['', 'X', 'XWV', 'XWVT', 'WVTS'];
    const group = newGroup({ codes: texts.map((text) => ({ text, maxRedemptions: 1 })) });
    await made(group);
    const last = async () => {
      const query = 'select last4 from codes where group_id = $1 order by position';
      return (await databases.giftCode.query<{ last4: string }>(query, [group.id])).rows.map(({ last4 }) => last4);
    };
    expect(await last()).toEqual(shown);
    for (const [index, text] of texts.entries()) {
      const query = 'update codes set last4 = $3 where group_id = $1 and position = $2';
      await databases.giftCode.query(query, [group.id, index + 1, text.slice(-4)]);
    }
    const folder = migrationsFolder('gift-code');
    await databases.giftCode.query(await readFile(join(folder, '0014_last4_of_short_codes.sql'), 'utf8'));
    expect(await last()).toEqual(shown);
  });

  test('of given codes: shown as they were given, found however they are typed', async () => {
    const text = `WELC0ME${randomBytes(3).toString('hex').toUpperCase()}`;
    const [code] = await made(newGroup({ codes: [{ text, maxRedemptions: 300 }] }));
    expect(code?.code).toBe(text);
    expect(await find(text.replace('WELC0ME', 'welcOme-').toLowerCase(), databases.keys)).toBe(code?.id);
    const { rows } = await databases.giftCode.query('select max_redemptions from codes where id = $1', [code?.id]);
    expect(rows).toEqual([{ max_redemptions: 300 }]);
    const { rows: lengths } = await databases.giftCode.query(
      'select length from given_code_lengths where length = $1',
      [text.length],
    );
    expect(lengths).toHaveLength(1);
  });

  test('is announced once, without its codes', async () => {
    const group = newGroup();
    await made(group);
    await call(group);
    expect(await eventsOf(databases.giftCode, group.id)).toEqual([{ type: 'code_group.created', version: 1 }]);
    const { rows } = await databases.giftCode.query('select data from outbox where aggregate_id = $1', [group.id]);
    expect(rows).toEqual([
      {
        data: { code_group_id: group.id, name: 'Eid', amount: { value: 1000, currency: 'USD' }, code_count: 2 },
      },
    ]);
  });
});

describe('a group asked for again under its id', () => {
  test('is answered with the same codes and nothing is made', async () => {
    const group = newGroup({ codes: 3 });
    const codes = await made(group);
    const before = await dump(databases.giftCode);
    expect(await call(group)).toMatchObject({ ok: true, replayed: true, group: { id: group.id }, codes });
    expect(await dump(databases.giftCode)).toEqual(before);
  });

  test('with other content is refused', async () => {
    const group = newGroup();
    await made(group);
    const before = await dump(databases.giftCode);
    expect(await call({ ...group, requestHash: Buffer.alloc(32, 2) })).toEqual({
      ok: false,
      reason: 'idempotency-key-reused',
    });
    expect(await dump(databases.giftCode)).toEqual(before);
  });

  test('at the same time is made once, and both get the same codes', async () => {
    const group = newGroup({ codes: 5 });
    // The first one has written the group and waits; the other waits for the first.
    const lock = await openTransaction(databases.giftCodeDb);
    await lock.db.steps.query('lock table code_hashes in exclusive mode');
    const first = call(group);
    await untilWaiting(databases.giftCode, 1);
    const second = call(group);
    await untilWaiting(databases.giftCode, 2);
    await lock.commit();
    const [mine, theirs] = [await first, await second];
    expect(mine).toMatchObject({ ok: true, replayed: false });
    expect(theirs).toMatchObject({ ok: true, replayed: true, codes: mine.ok && mine.codes });
  });

  test('while the first attempt fails is made by the second', async () => {
    const group = newGroup({ codes: given(newText()) });
    const first = await openTransaction(databases.giftCodeDb);
    await first.db.steps.query(
      `insert into code_groups (id, client_id, name, amount, currency, code_count, request_hash)
       values ($1, $2, 'Eid', 1000, 'USD', 0, $3)`,
      [group.id, group.clientId, group.requestHash],
    );
    const second = call(group);
    await untilWaiting(databases.giftCode);
    await first.rollback();
    expect(await second).toMatchObject({ ok: true, replayed: false });
  });
});

describe('given codes that exist already', () => {
  test('are told by their positions, and nothing of the group is left', async () => {
    const [one, two, three] = [newText(), newText(), newText()];
    await made(newGroup({ codes: given(two) }));
    const before = await dump(databases.giftCode);
    expect(await call(newGroup({ codes: given(one, two, three) }))).toEqual({
      ok: false,
      reason: 'codes-exist',
      positions: [1],
    });
    expect(await dump(databases.giftCode)).toEqual(before);
    await made(newGroup({ codes: given(three, one) }));
  });

  test('are the same after folding: O reads as 0, I and L as 1', async () => {
    const text = `0${newText()}1`;
    await made(newGroup({ codes: given(text) }));
    expect(await call(newGroup({ codes: given(`O${text.slice(1, -1)}L`) }))).toMatchObject({ reason: 'codes-exist' });
  });

  test('may be generated ones: a code cannot mean two amounts', async () => {
    const [generated] = await made(newGroup({ codes: 1 }));
    const text = (generated?.code ?? '').replaceAll('-', '');
    expect(await call(newGroup({ codes: given(text) }))).toMatchObject({ reason: 'codes-exist' });
  });

  test('are refused to one of two groups that are made at the same time, in whatever order they list them', async () => {
    const texts = Array.from({ length: 40 }, newText);
    const answers = await Promise.all([
      call(newGroup({ codes: given(...texts) })),
      call(newGroup({ codes: given(...texts.toReversed()) })),
    ]);
    expect(answers.map(({ ok }) => ok).sort()).toEqual([false, true]);
    expect(answers.find(({ ok }) => !ok)).toMatchObject({ positions: texts.map((_, position) => position) });
    const { rows } = await databases.giftCode.query(
      'select count(*)::int as hashes from code_hashes where hash = any($1)',
      [
        texts.map((text) => {
          const reading = readCode(text);
          return databases.keys.peppers[0] && reading.ok && hashCode(databases.keys.peppers[0], reading.canonical);
        }),
      ],
    );
    expect(rows).toEqual([{ hashes: 40 }]);
  });
});

describe('codes at rest', () => {
  test('are nowhere in clear, in no column of the database, and come back out of their seal', async () => {
    const generated = await made(newGroup({ codes: 20, prefix: 'EID' }));
    const own = await made(newGroup({ codes: given(newText(), newText()), metadata: { note: 'a secret campaign' } }));
    const all = Object.values(await dump(databases.giftCode))
      .flat()
      .join('\n');
    // The search sees what is there, in text, JSON and bytes.
    expect(all).toContain('a secret campaign');
    expect(all).toContain(`\\\\x${Buffer.alloc(32, 1).toString('hex')}`);
    for (const { id, code } of [...generated, ...own]) {
      const plain = code.replaceAll('-', '');
      const secret = plain.slice(code.startsWith('EID') ? 3 : 0, -4);
      for (const form of [code, plain, secret]) {
        for (const text of [form, form.toLowerCase(), Buffer.from(form).toString('hex'), btoa(form)]) {
          expect(all.includes(text), `${text} is in the database`).toBe(false);
        }
      }
      const { rows } = await databases.giftCode.query('select sealed, seal_key_id from codes where id = $1', [id]);
      expect(unsealCode(databases.keys.seals, rows[0].seal_key_id, id, rows[0].sealed)).toBe(code);
    }
  });

  test('cannot be read with another key, nor under another code: a seal moved is no seal', async () => {
    const [one, two] = await made(newGroup());
    const { rows } = await databases.giftCode.query('select sealed from codes where id = $1', [one?.id]);
    const other = [{ id: 1, key: randomBytes(32) }];
    expect(() => unsealCode(other, 1, one?.id ?? '', rows[0].sealed)).toThrow();
    expect(() => unsealCode(databases.keys.seals, 2, one?.id ?? '', rows[0].sealed)).toThrow('seal key 2');
    expect(() => unsealCode(databases.keys.seals, 1, two?.id ?? '', rows[0].sealed)).toThrow();
  });

  test('are found by every live pepper, so that no code gets in twice while peppers rotate', async () => {
    const next = { id: 2, key: randomBytes(32) };
    const both: CodeKeys = { ...databases.keys, peppers: [...databases.keys.peppers, next] };
    const text = newText();
    const [code] = await made(newGroup({ codes: given(text) }), both);
    expect(await find(text, databases.keys)).toBe(code?.id);
    expect(await find(text, { ...databases.keys, peppers: [next] })).toBe(code?.id);
    const old = newText();
    await made(newGroup({ codes: given(old) }));
    expect(await call(newGroup({ codes: given(newText(), old) }), both)).toMatchObject({ positions: [1] });
    const { rows } = await databases.giftCode.query('select count(*)::int as hashes from code_hashes where key_id = 2');
    expect(rows).toEqual([{ hashes: 1 }]);
  });
});

describe('the keys of codes', () => {
  const text = (keys: CodeKeys) => {
    const list = (of: CodeKeys['peppers']) => of.map(({ id, key }) => ({ id, key: key.toString('base64') }));
    return JSON.stringify({ peppers: list(keys.peppers), seals: list(keys.seals) });
  };

  test('lost or exchanged are noticed at the start, before a code seems not to exist', async () => {
    const home = await mkdtemp(join(tmpdir(), 'vouchsafe-keys-'));
    try {
      const own = await createDatabases();
      const open = (keys?: string) => openCodeKeys(own.giftCodeDb, home, keys);
      const first = await open();
      expect(await open()).toEqual(first);
      expect(await open(text(first))).toEqual(first);
      const other = [{ id: 1, key: randomBytes(32) }];
      await expect(open(text({ ...first, peppers: other }))).rejects.toThrow('pepper key 1 is another one');
      await expect(open(text({ ...first, seals: other }))).rejects.toThrow('seal key 1 is another one');
      await expect(open('{"peppers":[]}')).rejects.toThrow('VOUCHSAFE_CODE_KEYS cannot be used');
      const twice = [...first.seals, ...other];
      await expect(open(text({ ...first, seals: twice }))).rejects.toThrow('VOUCHSAFE_CODE_KEYS cannot be used');
      await rm(join(home, 'keys'), { recursive: true });
      await expect(open()).rejects.toThrow('the code keys are missing');
      expect(await open(text(first))).toEqual(first);
      await own.close();
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });

  test('refused at the start leave no mark: the right ones are accepted afterwards', async () => {
    const home = await mkdtemp(join(tmpdir(), 'vouchsafe-keys-'));
    try {
      const own = await createDatabases();
      const first = await openCodeKeys(own.giftCodeDb, home);
      const before = await dump(own.giftCode);
      const wrong = { peppers: first.peppers, seals: [{ id: 2, key: randomBytes(32) }] };
      await expect(openCodeKeys(own.giftCodeDb, home, text(wrong))).rejects.toThrow('seal key 1 is missing');
      expect(await dump(own.giftCode)).toEqual(before);
      expect(await openCodeKeys(own.giftCodeDb, home, text(first))).toEqual(first);
      await own.close();
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
});

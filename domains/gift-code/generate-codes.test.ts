import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { newId } from '../../platform/ids.ts';
import { createDatabases, eventsOf, hold, makeCode, newGroup, untilWaiting } from '../../test/database.ts';
import { forFile } from '../../test/harness.ts';
import { createCodeGroup } from './create-code-group.ts';
import { endGeneration } from './end-generation.ts';
import { generateCodes } from './generate-codes.ts';
import { orderCodes } from './order-codes.ts';

const TIMEOUT_MS = 20_000;

const databases = await forFile(createDatabases());

async function order(total: number, prefix: string | null = null): Promise<string> {
  const group = newGroup({ prefix, codes: { background: total } });
  const created = await createCodeGroup(databases.giftCodeDb, databases.keys, group);
  expect(created).toMatchObject({ ok: true, codes: [], group: { codeCount: 0 } });
  return group.id;
}
const drive = (id: string, limits: { chunk: number; chunks?: number }, onChunk = () => true, keys = databases.keys) =>
  generateCodes(databases.giftCodeDb, keys, id, { chunks: 1_000, timeoutMs: TIMEOUT_MS, ...limits }, onChunk);
const end = (id: string, state: 'cancelled' | 'failed') => endGeneration(databases.giftCodeDb, id, state, TIMEOUT_MS);

/** A group's codes: how many, at how many positions, from where to where, with how many hashes. */
async function codesOf(groupId: string) {
  const { rows } = await databases.giftCode.query(
    `select count(*)::int as codes, count(distinct position)::int as positions, min(position) as first, max(position) as last,
       (select count(*)::int from code_hashes h join codes c on c.id = h.code_id where c.group_id = $1) as hashes,
       (select code_count from code_groups where id = $1) as counted
     from codes where group_id = $1`,
    [groupId],
  );
  return rows[0];
}
const exactly = (codes: number) => {
  return { codes, positions: codes, first: 1, last: codes, hashes: codes, counted: codes };
};

test('four drivers at once make exactly the codes that were asked for', async () => {
  const id = await order(1_234, 'EID');
  const ends = await Promise.all([50, 70, 90, 110].map((chunk) => drive(id, { chunk })));
  for (const generation of ends) expect(generation).toMatchObject({ state: 'done', made: 1_234, total: 1_234 });
  expect(await codesOf(id)).toEqual(exactly(1_234));
  expect(await eventsOf(databases.giftCode, id)).toEqual([
    { type: 'code_group.created', version: 1 },
    { type: 'code_group.generated', version: 2 },
  ]);
  expect(await drive(id, { chunk: 100 })).toMatchObject({ state: 'done', made: 1_234 });
  expect(await codesOf(id)).toEqual(exactly(1_234));
});

test('a driver stops after its chunks, or when it is told to, and the next one goes on from there', async () => {
  const id = await order(100);
  expect(await drive(id, { chunk: 10, chunks: 3 })).toMatchObject({ state: 'running', made: 30 });
  expect(await drive(id, { chunk: 10 }, () => false)).toMatchObject({ state: 'running', made: 40 });
  expect(await codesOf(id)).toEqual(exactly(40));
  expect(await drive(id, { chunk: 1_000 })).toMatchObject({ state: 'done', made: 100 });
  expect(await codesOf(id)).toEqual(exactly(100));
});

test('a chunk that comes after the end writes nothing', async () => {
  const id = await order(100);
  await drive(id, { chunk: 10, chunks: 1 });
  const lock = await hold(databases.giftCodeDb, 'select from code_additions where id = $1 for update', [id]);
  const cancelled = end(id, 'cancelled');
  await untilWaiting(databases.giftCode, 1);
  const late = drive(id, { chunk: 10 });
  await untilWaiting(databases.giftCode, 2);
  await lock.free();
  expect(await cancelled).toMatchObject({ state: 'cancelled', made: 10 });
  expect(await late).toMatchObject({ state: 'cancelled', made: 10 });
  expect(await codesOf(id)).toEqual(exactly(10));
  expect(await end(id, 'failed')).toMatchObject({ state: 'cancelled', made: 10 });
  expect(await eventsOf(databases.giftCode, id)).toHaveLength(2);
});

test('codes are hashed under every pepper, each once', async () => {
  const id = await order(30);
  const peppers = [1, 2, 3].map((number) => ({ id: number, key: randomBytes(32) }));
  await drive(id, { chunk: 7 }, undefined, { ...databases.keys, peppers });
  expect(await codesOf(id)).toEqual({ ...exactly(30), hashes: 90 });
  const { rows } = await databases.giftCode.query(
    `select key_id, count(*)::int as hashes, count(distinct code_id)::int as codes from code_hashes h
     join codes c on c.id = h.code_id where c.group_id = $1 group by key_id order by key_id`,
    [id],
  );
  expect(rows).toEqual([1, 2, 3].map((key_id) => ({ key_id, hashes: 30, codes: 30 })));
});

test('a generation that nobody ordered is none, and a group has one that runs at a time', async () => {
  expect(await drive(randomUUID(), { chunk: 1 })).toBeUndefined();
  expect(await end(randomUUID(), 'failed')).toBeUndefined();
  const id = await order(10);
  const more = { id: newId(), groupId: id, count: 5, requestHash: Buffer.alloc(32) };
  expect(await orderCodes(databases.giftCodeDb, more)).toEqual({ ok: false, reason: 'generation-running' });
  await drive(id, { chunk: 10 });
  expect(await orderCodes(databases.giftCodeDb, more)).toMatchObject({ ok: true, replayed: false });
  await drive(more.id, { chunk: 10 });
  expect(await codesOf(id)).toMatchObject({ codes: 15, positions: 15, counted: 15 });
  const huge = { ...more, id: newId(), count: 2_147_483_640 };
  expect(await orderCodes(databases.giftCodeDb, huge)).toEqual({ ok: false, reason: 'group-full' });
});

describe('the database itself sees to it that', () => {
  const refused = (sql: string, values: unknown[] = []) =>
    expect(databases.giftCode.query(sql, values)).rejects.toMatchObject({ code: expect.stringMatching(/^23/) });
  const codeRow = 'id, group_id, position, max_redemptions, last4, sealed, seal_key_id';

  test('no hash is without its code', async () => {
    const { codeId } = await makeCode(databases);
    await refused(`insert into code_hashes values ($1, $2, 1)`, [randomBytes(32), randomUUID()]);
    await refused(`insert into code_hashes values ($1, $3, 1), ($2, $4, 1)`, [
      randomBytes(32),
      randomBytes(32),
      codeId,
      randomUUID(),
    ]);
    await refused('update code_hashes set code_id = $1 where code_id = $2', [randomUUID(), codeId]);
  });

  test('no code is without its group', async () => {
    const { codeId } = await makeCode(databases);
    await refused(`insert into codes (${codeRow}) values ($1, $2, 1, 1, 'ABCD', '', 1)`, [randomUUID(), randomUUID()]);
    await refused('update codes set group_id = $1 where id = $2', [randomUUID(), codeId]);
  });

  test('no redemption is without its code, nor in another group than its code', async () => {
    const { codeId, groupId } = await makeCode(databases);
    const other = await makeCode(databases);
    const insert = `insert into redemptions (id, code_id, group_id, wallet_id, client_id, created_at, amount, currency, state, workflow_id)
      values (gen_random_uuid(), $1, $2, gen_random_uuid(), gen_random_uuid(), now(), 1, 'USD', 'reserved', 'w')`;
    await refused(insert, [randomUUID(), groupId]);
    await refused(insert, [codeId, other.groupId]);
    await databases.giftCode.query(insert, [codeId, groupId]);
    await refused('update redemptions set code_id = $1 where code_id = $2', [other.codeId, codeId]);
    await refused('update redemptions set group_id = $1 where code_id = $2', [other.groupId, codeId]);
  });

  test('codes and groups are kept', async () => {
    const { codeId, groupId } = await makeCode(databases);
    await refused('delete from codes where id = $1', [codeId]);
    await refused('delete from code_groups where id = $1', [groupId]);
    await refused('update code_groups set id = $1 where id = $2', [randomUUID(), groupId]);
  });
});

import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { GENERATION_QUERY, type GenerationProgress, generationWorkflowId } from '../workflows/contracts.ts';
import { holdUpdates, someoneWaits } from './faults.ts';
import { type ApiAnswer, assertCoherent, createWorld, forFile, newPhone, startIn, until } from './harness.ts';
import { spawnIn } from './process.ts';

const SETTINGS = {
  VOUCHSAFE_GENERATION_CHUNK: '100',
  VOUCHSAFE_STEP_TIMEOUT_MS: '2000',
  VOUCHSAFE_SWEEP_AFTER_MS: '500',
  VOUCHSAFE_SWEEP_EVERY_MS: '1000',
};

const world = await forFile(createWorld());
const service = await forFile(startIn(world, SETTINGS));

const create = (count: number, headers = {}, at = service): Promise<ApiAnswer> =>
  at.call('POST', '/v1/code-groups', { name: 'Many', amount: { value: 100, currency: 'USD' }, count }, headers);
const generationOf = async (groupId: string, at = service): Promise<GenerationProgress> =>
  (await at.call('GET', `/v1/code-groups/${groupId}`)).body.generation;
const ended = (groupId: string, at = service) =>
  until(async () => {
    const generation = await generationOf(groupId, at);
    return generation.state === 'running' ? undefined : generation;
  });
const workflowOf = (id: string) => world.temporal.workflow.getHandle(generationWorkflowId(id));
/** Waits for the end of a workflow that runs now. The sweeper may start another run after it. @returns how it can be awaited */
const closing = async (id: string) => {
  const { runId } = await workflowOf(id).describe();
  return () =>
    until(async () => {
      const { status } = await world.temporal.workflow.getHandle(generationWorkflowId(id), runId).describe();
      return status.name !== 'RUNNING' && status.name;
    });
};

/** Stops generations of so many codes when they have made so many of them. @returns how to let go */
const holdAt = (made: number, total: number) =>
  holdUpdates(
    { pool: world.giftCode, url: world.urls.giftCodeDatabase },
    'code_additions',
    `new.total = ${total} and new.made >= ${made}`,
  );

/** What there is of a group: its codes in a row without a gap, each with a hash of its own, as its row counts them. */
async function expectExact(groupId: string, count: number, firstPosition = 1): Promise<void> {
  const { rows } = await world.giftCode.query(
    `select count(*)::int as codes, count(distinct c.position)::int as positions, min(c.position) as first,
       max(c.position) as last, count(distinct h.hash)::int as hashes
     from codes c left join code_hashes h on h.code_id = c.id where c.group_id = $1 and c.position >= $2`,
    [groupId, firstPosition],
  );
  expect(rows).toEqual([
    { codes: count, positions: count, first: firstPosition, last: firstPosition + count - 1, hashes: count },
  ]);
}
async function expectCounted(groupId: string): Promise<void> {
  const { rows } = await world.giftCode.query(
    `select g.code_count, (select count(*)::int from codes c where c.group_id = g.id) as codes from code_groups g where id = $1`,
    [groupId],
  );
  expect(rows[0].code_count).toBe(rows[0].codes);
  const { body } = await service.call('GET', `/v1/code-groups/${groupId}/stats`);
  expect(body.codes.total).toBe(rows[0].codes);
}
const eventsOf = async (groupId: string) =>
  (
    await world.giftCode.query(
      'select type, data, aggregate_version::int as version from outbox where aggregate_id = $1 order by aggregate_version',
      [groupId],
    )
  ).rows;

test('more than 1,000 codes are made in the background: exactly as many, each of which can be redeemed', async () => {
  const key = { 'Idempotency-Key': randomUUID() };
  const answer = await create(2_550, key);
  expect(answer.status).toBe(202);
  const { id } = answer.body;
  expect(answer.headers.get('Location')).toBe(`/v1/code-groups/${id}`);
  expect(answer.body).toMatchObject({
    codes_count: expect.any(Number),
    generation: { state: 'running', total: 2_550 },
  });
  expect(answer.body.codes).toBeUndefined();

  expect(await ended(id)).toEqual({ state: 'done', made: 2_550, total: 2_550 });
  await expectExact(id, 2_550);
  await expectCounted(id);
  expect(await workflowOf(id).result()).toEqual({ state: 'done', made: 2_550, total: 2_550 });
  expect(await workflowOf(id).query(GENERATION_QUERY)).toEqual({ state: 'done', made: 2_550, total: 2_550 });
  expect(await eventsOf(id)).toMatchObject([
    { type: 'code_group.created', version: 1, data: { code_count: 0 } },
    { type: 'code_group.generated', version: 2, data: { state: 'done', made: 2_550, total: 2_550, code_count: 2_550 } },
  ]);

  const repeat = await create(2_550, key);
  expect([repeat.status, repeat.body.id, repeat.headers.get('Idempotent-Replayed')]).toEqual([202, id, 'true']);
  expect((await create(2_551, key)).body.code).toBe('idempotency-key-reused');
  await expectExact(id, 2_550);

  const { items } = (await service.call('GET', `/v1/code-groups/${id}/codes?limit=1`)).body;
  const redeemed = await service.call('POST', '/v1/redemptions', { code: items[0].code, phone: newPhone() });
  expect(redeemed.body).toMatchObject({ state: 'completed', code: { group_id: id } });
  const listed = (await service.call('GET', '/v1/code-groups')).body.items.find(
    (group: { id: string }) => group.id === id,
  );
  expect(listed.generation).toEqual({ state: 'done', made: 2_550, total: 2_550 });
  await assertCoherent(world);
});

test('a worker killed in the middle costs nothing: another one goes on, without a code twice and without a gap', async () => {
  const mine = { ...world, taskQueue: `${world.taskQueue}-kill` };
  const settings = { ...SETTINGS, TEMPORAL_TASK_QUEUE: mine.taskQueue };
  const doomed = await spawnIn(mine, settings);
  const letGo = await holdAt(500, 10_000);
  const { id } = (await create(10_000, {}, doomed)).body;
  await someoneWaits(world.giftCode, 'generate_codes');
  await doomed.kill();
  expect(await generationOf(id)).toMatchObject({ state: 'running', made: 400 });
  await letGo();
  const heir = await spawnIn(mine, settings);
  try {
    expect(await ended(id)).toEqual({ state: 'done', made: 10_000, total: 10_000 });
    await expectExact(id, 10_000);
    await expectCounted(id);
    expect((await eventsOf(id)).map(({ type }) => type)).toEqual(['code_group.created', 'code_group.generated']);
  } finally {
    await heir.close();
  }
});

test('a generation is cancelled at once: what was made stays and counts, and nothing more comes', async () => {
  const { id } = (await create(200_000)).body;
  await until(async () => (await generationOf(id)).made >= 300, 10);
  const closed = await closing(id);
  const answer = await service.call('POST', `/v1/code-groups/${id}/cancel-generation`);
  expect(answer.status).toBe(200);
  const { generation } = answer.body;
  expect(generation).toMatchObject({ state: 'cancelled', total: 200_000 });
  expect(answer.body.codes_count).toBe(generation.made);
  await closed();
  expect(await generationOf(id)).toEqual(generation);
  await expectExact(id, generation.made);
  await expectCounted(id);
  expect((await eventsOf(id)).at(-1)).toMatchObject({ type: 'code_group.generated', data: generation });

  expect((await service.call('POST', `/v1/code-groups/${id}/cancel-generation`)).status).toBe(200);
  const audit = await service.call('GET', `/v1/audit-log?resource=${id}&action=code_group.cancel_generation`);
  expect(audit.body.items).toHaveLength(1);
  expect((await eventsOf(id)).filter(({ type }) => type === 'code_group.generated')).toHaveLength(1);
});

test('a generation that is over, or never was, cannot be cancelled', async () => {
  const { id } = (await create(1)).body;
  expect((await service.call('POST', `/v1/code-groups/${id}/cancel-generation`)).body.code).toBe('conflict');
  const done = (await create(1_001)).body.id;
  await ended(done);
  expect((await service.call('POST', `/v1/code-groups/${done}/cancel-generation`)).body.code).toBe('conflict');
  expect(await generationOf(done)).toMatchObject({ state: 'done', made: 1_001 });
});

test('codes that are asked for at once are not said to be made where that was cancelled before', async () => {
  const { id } = (await create(1)).body;
  await world.giftCode.query(`
    create function cancel() returns trigger language plpgsql as
      'begin new.state := ''cancelled''; new.ended_at := now(); return new; end';
    create trigger cancel before insert on code_additions for each row execute function cancel()`);
  const key = { 'Idempotency-Key': randomUUID() };
  const add = () => service.call('POST', `/v1/code-groups/${id}/codes`, { count: 10 }, key);
  try {
    expect((await add()).body).toMatchObject({ status: 409, code: 'conflict' });
  } finally {
    await world.giftCode.query('drop function cancel() cascade');
  }
  expect((await add()).body).toMatchObject({ status: 409, code: 'conflict' });
  expect((await service.call('GET', `/v1/code-groups/${id}`)).body.codes_count).toBe(1);
});

test('cancelled in Temporal, the generation ends in the database too', async () => {
  const { id } = (await create(200_000)).body;
  await until(async () => (await generationOf(id)).made >= 300, 10);
  const closed = await closing(id);
  await workflowOf(id).cancel();
  const generation = await ended(id);
  expect(generation.state).toBe('cancelled');
  expect(await closed()).toBe('CANCELLED');
  await expectExact(id, generation.made);
});

test('a workflow terminated by hand is started again, and the generation goes on', async () => {
  const letGo = await holdAt(300, 8_000);
  const { id } = (await create(8_000)).body;
  await someoneWaits(world.giftCode, 'generate_codes');
  await workflowOf(id).terminate('by hand');
  await letGo();
  expect(await ended(id)).toEqual({ state: 'done', made: 8_000, total: 8_000 });
  await expectExact(id, 8_000);
});

test('codes that the database refuses for good fail the generation, which shows it', async () => {
  const { id } = (await create(200_000)).body;
  await until(async () => (await generationOf(id)).made >= 300, 10);
  const closed = await closing(id);
  await world.giftCode.query(`alter table codes add constraint refused check (group_id <> '${id}') not valid`);
  try {
    const generation = await ended(id);
    expect(generation.state).toBe('failed');
    expect(await closed()).toBe('FAILED');
    await expectExact(id, generation.made);
    expect((await eventsOf(id)).at(-1)).toMatchObject({ type: 'code_group.generated', data: generation });
  } finally {
    await world.giftCode.query('alter table codes drop constraint refused');
  }
});

test('a group gets more codes: a few at once, many in the background, one generation at a time', async () => {
  const { id } = (await create(2)).body;
  const add = (count: number, headers = {}) => service.call('POST', `/v1/code-groups/${id}/codes`, { count }, headers);
  const key = { 'Idempotency-Key': randomUUID() };
  const few = await add(3, key);
  expect(few.status).toBe(201);
  expect(few.body).toMatchObject({ id, codes_count: 5, generation: { state: 'done', made: 3, total: 3 } });
  expect(few.body.codes).toHaveLength(3);
  const repeat = await add(3, key);
  expect([repeat.status, repeat.headers.get('Idempotent-Replayed')]).toEqual([201, 'true']);
  expect(repeat.body.codes).toEqual(few.body.codes);
  expect((await add(4, key)).body.code).toBe('idempotency-key-reused');

  const many = await add(1_000_000);
  expect([many.status, many.body.generation.state, many.body.codes]).toEqual([202, 'running', undefined]);
  expect((await add(1)).body.code).toBe('conflict');
  await service.call('POST', `/v1/code-groups/${id}/cancel-generation`);
  const { made } = await generationOf(id);
  expect((await add(1)).status).toBe(201);
  await expectCounted(id);
  const { rows } = await world.giftCode.query('select count(*)::int as n from codes where group_id = $1', [id]);
  expect(rows[0].n).toBe(5 + made + 1);
  expect((await service.call('POST', `/v1/code-groups/${randomUUID()}/codes`, { count: 1 })).body.code).toBe(
    'not-found',
  );
});

import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { lockRows, someoneWaits } from './faults.ts';
import {
  assertCoherent,
  createWorld,
  forFile,
  makeCodes,
  makeCoupon,
  newPhone,
  startIn,
  startRedisIn,
  type TestService,
  until,
} from './harness.ts';

const world = await forFile(createWorld());
const redis = await startRedisIn(world);
await forFile(Promise.resolve({ close: () => redis.stop() }));
world.urls.redis = redis.url;
const [accepting, other] = [await forFile(startIn(world)), await forFile(startIn(world))];
for (const gateway of [accepting, other]) {
  // Until then it tells no other, and is told of none.
  await until(async () => {
    const { checks } = (await gateway.call('GET', '/v1/diagnostics')).body;
    return checks.some(({ name, state }: { name: string; state: string }) => name === 'Redis' && state === 'ok');
  });
}

test('what one gateway has accepted, another one knows before it has a row: it shows it, waits for it and undoes it', async () => {
  const codes = await makeCodes(accepting, 6);
  const found = await Promise.all(codes.map((code) => accepting.call('POST', '/v1/codes/lookup', { code })));
  const locks = await Promise.all(found.map(({ body }) => lockRows(world.urls.giftCodeDatabase, 'codes', body.id)));
  const answers = await Promise.all(
    codes.map((code) => accepting.call('POST', '/v1/redemptions', { code, phone: newPhone() }, { Prefer: 'wait=0' })),
  );
  expect(answers.map(({ status, body }) => [status, body.state])).toEqual(codes.map(() => [202, 'pending']));
  await someoneWaits(world.giftCode, 'reserve');
  for (const { headers, body } of answers) {
    const seen = await other.call('GET', headers.get('Location') ?? '');
    expect(seen.body).toMatchObject({ id: body.id, state: 'pending', code: body.code, wallet: body.wallet });
  }
  // Of six in two workflows at least one is in a batch, where Temporal does not know it by its id.
  const ids = answers.map(({ body }) => body.id as string);
  const ownOf = (id: string) => world.temporal.workflow.getHandle(`redemption-${id}`).describe();
  const areAlone = await Promise.all(ids.map((id) => ownOf(id).then(Boolean, () => false)));
  const undone = ids[areAlone.indexOf(false)] ?? '';
  expect(undone).not.toBe('');
  const rest = ids.filter((id) => id !== undone).map((id) => `/v1/redemptions/${id}`);
  const path = `/v1/redemptions/${undone}`;
  const aborted = other.call('POST', `${path}/abort`, { reason: 'not wanted' }, { Prefer: 'wait=30' });
  const waited = rest.map((path) => other.call('GET', path, undefined, { Prefer: 'wait=30' }));
  // The abort has a workflow of its own, beside the batch that waits for the lock; the wallet decides between them.
  await until(() => ownOf(undone).catch(() => undefined));
  await Promise.all(locks.map((letGo) => letGo()));
  expect([200, 409]).toContain((await aborted).status);
  for (const { body } of await Promise.all(waited)) expect(body.state).toBe('completed');
  await assertCoherent(world);
});

test('who repeats what was accepted joins it, also when its code can no longer be redeemed, and at another gateway', async () => {
  const code = await makeCoupon(accepting, 5);
  const found = (await accepting.call('POST', '/v1/codes/lookup', { code })).body;
  const [phone, key] = [newPhone(), randomUUID()];
  const send = (gateway: TestService, body: object, headers: Record<string, string> = { 'Idempotency-Key': key }) =>
    gateway.call('POST', '/v1/redemptions', { code, phone, ...body }, { Prefer: 'wait=0', ...headers });
  const letGo = await lockRows(world.urls.giftCodeDatabase, 'codes', found.id);
  onTestFinished(letGo);
  const first = await send(accepting, {});
  expect(first).toMatchObject({ status: 202, body: { state: 'pending' } });
  await world.giftCode.query('update code_groups set ends_at = now() where id = $1', [first.body.code.group_id]);
  await until(async () => (await send(other, { phone: newPhone() }, {})).body.code === 'code-expired');
  for (const gateway of [accepting, other]) {
    const repeat = await send(gateway, {});
    expect(repeat).toMatchObject({ status: 202, body: { id: first.body.id, state: 'pending' } });
    expect(repeat.headers.get('Idempotent-Replayed')).toBe('true');
    for (const different of [
      { phone: newPhone() },
      { reference: 'another' },
      { code: await makeCoupon(accepting, 1) },
    ]) {
      expect(await send(gateway, different)).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    }
  }
  const waiting = [accepting, other].map((gateway) => send(gateway, {}, { 'Idempotency-Key': key, Prefer: 'wait=30' }));
  await letGo();
  for (const { status, body } of await Promise.all(waiting)) {
    expect([status, body.id, body.state]).toEqual([201, first.body.id, 'completed']);
  }
  await assertCoherent(world);
});

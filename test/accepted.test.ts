import { expect, test } from 'vitest';
import { lockRows, someoneWaits } from './faults.ts';
import { assertCoherent, createWorld, forFile, makeCodes, newPhone, startIn, startRedisIn, until } from './harness.ts';

const world = await forFile(createWorld());
const redis = await startRedisIn(world);
await forFile(Promise.resolve({ close: () => redis.stop() }));
world.urls.redis = redis.url;
const [accepting, other] = [await forFile(startIn(world)), await forFile(startIn(world))];

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
  const [first, ...rest] = answers.map(({ body }) => `/v1/redemptions/${body.id}`);
  const aborted = other.call('POST', `${first}/abort`, { reason: 'not wanted' }, { Prefer: 'wait=30' });
  const waited = rest.map((path) => other.call('GET', path, undefined, { Prefer: 'wait=30' }));
  // The abort meets the workflow that waits for the lock.
  await until(
    async () => (await world.temporal.workflow.getHandle(`redemption-${answers[0]?.body.id}`).describe()).status,
  );
  await Promise.all(locks.map((letGo) => letGo()));
  expect((await aborted).status).toBeLessThan(500);
  for (const { body } of await Promise.all(waited)) expect(body.state).toBe('completed');
  await until(async () =>
    ['completed', 'released', 'refused'].includes((await other.call('GET', first ?? '')).body.state),
  );
  await assertCoherent(world);
});

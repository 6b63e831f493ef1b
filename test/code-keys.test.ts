import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  assertCoherent,
  createWorld,
  forFile,
  makeCodes,
  newPhone,
  startIn,
  type TestService,
  until,
} from './harness.ts';
import { startReceiver } from './receiver.ts';

const world = await forFile(createWorld());
const receiver = await forFile(startReceiver());

const newKey = (id: number) => ({ id, key: randomBytes(32).toString('base64') });
const [old, next] = [1, 2].map((id) => ({ pepper: newKey(id), seal: newKey(id) }));
if (!old || !next) throw new Error('two pairs of keys were to be made');

const startWith = (...keys: (typeof old)[]) =>
  startIn(world, {
    VOUCHSAFE_CODE_KEYS: JSON.stringify({
      peppers: keys.map(({ pepper }) => pepper),
      seals: keys.map(({ seal }) => seal),
    }),
    VOUCHSAFE_SWEEP_EVERY_MS: '1000',
    VOUCHSAFE_WEBHOOKS_PRIVATE: 'true',
  });
const redeem = (service: TestService, code: string | undefined) =>
  service.call('POST', '/v1/redemptions', { code, phone: newPhone() });
const keysCheck = async (service: TestService): Promise<string> => {
  const { body } = await service.call('GET', '/v1/diagnostics');
  return body.checks.find(({ name }: { name: string }) => name === 'code keys').detail;
};

test('all keys are replaced while codes of both are redeemed, and the first ones are gone for good', async () => {
  let service = await startWith(old);
  const early = await makeCodes(service, 6);
  const { body: endpoint } = await service.call('POST', '/v1/webhook-endpoints', {
    url: receiver.url,
    event_types: ['code_group.created'],
  });
  await service.close();
  await expect(startWith(next)).rejects.toThrow('pepper key 1 is missing');

  service = await startWith(old, next);
  const late = await makeCodes(service, 3);
  expect((await redeem(service, early[0])).status).toBe(201);
  await until(async () => (await keysCheck(service)).endsWith('no code needs pepper 1 and seal 1'));
  expect((await redeem(service, early[1])).status).toBe(201);
  await service.close();

  service = await startWith(next);
  for (const code of [early[2], late[0]]) expect((await redeem(service, code)).status).toBe(201);
  const { body: again } = await service.call('POST', '/v1/codes/lookup', { code: early[0] });
  expect(again).toMatchObject({ state: 'used' });
  const codes = await service.call('GET', `/v1/code-groups/${again.group.id}/codes`);
  expect(codes.body.items.map(({ code }: { code: string }) => code).sort()).toEqual([...early].sort());
  expect((await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/test`)).body).toMatchObject({
    state: 'delivered',
  });
  await until(async () => {
    const { rows } = await world.giftCode.query('select distinct key_id from code_hashes');
    return rows.length === 1 && rows[0].key_id === 2;
  });
  expect(await keysCheck(service)).toBe('those that the codes were made with');
  await service.close();
  await expect(startWith(old)).rejects.toThrow('pepper key 2 is missing');
  await assertCoherent(world);
});

import { afterAll, expect, test } from 'vitest';
import { createWorld, forFile, makeCodes, until } from './harness.ts';
import { spawnIn, type TestProcess } from './process.ts';
import { startReceiver } from './receiver.ts';

const SETTINGS = {
  VOUCHSAFE_WEBHOOKS_PRIVATE: 'true',
  VOUCHSAFE_WEBHOOKS_TIMEOUT_MS: '5000',
};

const world = await forFile(createWorld());
const receiver = await forFile(startReceiver());
const doomed = await spawnIn(world, SETTINGS);
let heir: TestProcess | undefined;
afterAll(async () => {
  await doomed.kill();
  await heir?.close();
});

test('a process killed between the receiver’s hearing of an event and the mark of it costs nothing but a repeat', async () => {
  receiver.answer = () => undefined;
  const endpoint = await doomed.call('POST', '/v1/webhook-endpoints', {
    url: receiver.url,
    event_types: ['code_group.created'],
  });
  await makeCodes(doomed, 1);
  await until(async () => receiver.received.length === 1);
  await doomed.kill();
  const rows = async () =>
    (
      await world.gateway.query('select state, attempts from webhook_deliveries where endpoint_id = $1', [
        endpoint.body.id,
      ])
    ).rows;
  expect(await rows()).toEqual([{ state: 'pending', attempts: 1 }]);

  receiver.answer = (_, response) => response.end();
  heir = await spawnIn(world, SETTINGS);
  await until(async () => (await rows())[0]?.state === 'delivered');
  expect(await rows()).toEqual([{ state: 'delivered', attempts: 2 }]);
  const [first, second, more] = receiver.received;
  expect(more).toBeUndefined();
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(second?.body).toBe(first?.body);
});

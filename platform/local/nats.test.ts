import { connect } from 'nats';
import { expect, test } from 'vitest';
import { startNats } from './nats.ts';
import { stopped, temporaryFolder } from './testing/folder.ts';

test('a private NATS keeps its streams over a stop and over a kill, on the same port', {
  timeout: 60_000,
}, async () => {
  const directory = await temporaryFolder();
  const first = stopped(await startNats({ directory }));
  const before = await connect({ servers: first.url });
  await (await before.jetstreamManager()).streams.add({ name: 'events', subjects: ['e.>'] });
  await before.jetstream().publish('e.1', 'one');
  await before.close();
  await first.stop();
  const second = stopped(await startNats({ directory, port: first.port }));
  await second.kill();
  const third = stopped(await startNats({ directory, port: first.port }));
  expect(third.url).toBe(first.url);
  const after = await connect({ servers: third.url });
  expect((await (await after.jetstreamManager()).streams.info('events')).state.messages).toBe(1);
  await after.close();
});

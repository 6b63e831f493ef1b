import { expect, test } from 'vitest';
import { ADMIN_KEY, createWorld, forFile, makeCodes, startIn, until } from '../../test/harness.ts';
import { answerWith, startReceiver } from '../../test/receiver.ts';
import { runCli } from '../testing.ts';

const world = await forFile(createWorld());
const receiver = await forFile(startReceiver());
const service = await forFile(
  startIn(world, { VOUCHSAFE_WEBHOOKS_PRIVATE: 'true', VOUCHSAFE_WEBHOOKS_BACKOFF_MS: '1' }),
);

const vouchsafe = (...argv: string[]) => runCli(argv, { url: service.url, key: ADMIN_KEY });
const done = async (...argv: string[]) => {
  const { exitCode, stdout, stderr } = await vouchsafe(...argv);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
};

test('an endpoint is made, tested, changed, rotated and deleted from the command line, and dead letters sent again', async () => {
  const { id, secret } = JSON.parse(
    await done('webhooks', 'create', receiver.url, '--event', 'code_group.created', 'wallet.created', '--json'),
  );
  expect(secret).toMatch(/^whsec_/);
  expect(await done('webhooks', 'list')).toContain(`${id}\t${receiver.url}/\tcode_group.created wallet.created\t-\t`);
  expect(await done('webhooks', 'test', id)).toMatch(
    /^type\twebhook.test\nstate\tdelivered\nattempts\t1\nanswer\t204$/m,
  );

  receiver.answer = answerWith(500);
  await makeCodes(service, 1);
  const dead = await until(async () => {
    const [, row] = (await done('webhooks', 'deliveries', id, '--state', 'dead')).split('\n');
    return row?.includes('\tcode_group.created\tdead\t2\t500\t-\t') && row.split('\t')[0];
  });
  receiver.answer = answerWith(204);
  expect(await done('webhooks', 'retry', dead)).toContain('state\tpending\n');
  await until(async () => (await done('webhooks', 'deliveries', id, '--state', 'delivered')).includes(dead));
  expect(await vouchsafe('webhooks', 'retry', dead)).toMatchObject({ exitCode: 1 });

  expect(await vouchsafe('webhooks', 'rotate-secret', id)).toMatchObject({ exitCode: 2 });
  const [, rotated] = /^secret\t(whsec_\S+)$/m.exec(await done('webhooks', 'rotate-secret', id, '--yes')) ?? [];
  expect(rotated).not.toBe(secret);
  expect(await done('webhooks', 'update', id, '--disable', '--event', '*')).toMatch(/^events\t\*\ndisabled\trequest$/m);
  expect(await done('webhooks', 'update', id, '--enable')).not.toContain('disabled');
  expect(await vouchsafe('webhooks', 'update', id)).toMatchObject({ exitCode: 2 });
  expect(await done('webhooks', 'show', id)).toContain(`url\t${receiver.url}/\n`);
  expect(await vouchsafe('webhooks', 'delete', id)).toMatchObject({ exitCode: 2 });
  await done('webhooks', 'delete', id, '--yes');
  expect(await vouchsafe('webhooks', 'show', id)).toMatchObject({ exitCode: 4 });
});

test('the outbox is looked at and replayed from the command line', async () => {
  await makeCodes(service, 1);
  const range = ['--from', '2020-01-01T00:00:00Z', '--to', new Date(Date.now() + 60_000).toISOString()];
  await until(async () => /^gift-code\t0\t0\.0\t-\t20/m.test(await done('outbox', 'status')));
  expect(await vouchsafe('outbox', 'replay', '--part', 'gift-code', ...range)).toMatchObject({ exitCode: 2 });
  const { rows } = await world.giftCode.query('select count(*)::int as n from outbox');
  const replayed = await done('outbox', 'replay', '--part', 'gift-code', ...range, '--yes');
  expect(replayed).toBe(`part\tgift-code\nreplayed\t${rows[0].n}\n`);
});

import { expect, test } from 'vitest';
import { ADMIN_KEY, createWorld, forFile, startIn } from '../../test/harness.ts';
import { runCli } from '../testing.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));

const vouchsafe = (...argv: string[]) => runCli(argv, { url: service.url, key: ADMIN_KEY });
const vouchsafeAs = (key: string, ...argv: string[]) => runCli(argv, { url: service.url, key });

test('a key is made, used, listed, rotated and revoked from the command line, and the audit tells so', async () => {
  const made = await vouchsafe(
    'keys',
    'create',
    '--name',
    'till-7',
    '--scope',
    'wallets:read',
    'groups:write',
    '--json',
  );
  expect(made).toMatchObject({ exitCode: 0, stderr: 'the key is shown this once\n' });
  const { id, key, scopes } = JSON.parse(made.stdout);
  expect(scopes).toEqual(['groups:write', 'wallets:read']);
  expect((await vouchsafeAs(key, 'wallets', 'list')).exitCode).toBe(0);
  expect(await vouchsafeAs(key, 'keys', 'list')).toMatchObject({ exitCode: 3, stdout: '' });

  const list = (await vouchsafe('keys', 'list')).stdout;
  expect(list).toContain(`${id}\ttill-7\t…${key.slice(-4)}\tgroups:write wallets:read\t`);
  expect(list).not.toContain(key);

  const unasked = await vouchsafe('keys', 'rotate', id);
  expect(unasked).toMatchObject({ exitCode: 2, stdout: '' });
  const again = ['keys', 'rotate', id, '--yes', '--idempotency-key', 'rotation-1'];
  const rotated = await vouchsafe(...again);
  const [, newKey = ''] = /^key\t(vs_\S+)$/m.exec(rotated.stdout) ?? [];
  const [, newId = ''] = /^id\t(\S+)$/m.exec(rotated.stdout) ?? [];
  expect((await vouchsafeAs(key, 'wallets', 'list')).exitCode).toBe(3);
  expect((await vouchsafeAs(newKey, 'wallets', 'list')).exitCode).toBe(0);
  const repeat = await vouchsafe(...again);
  expect(repeat.stdout).toContain(`key\t…${newKey.slice(-4)}\n`);
  expect(repeat.stderr).toBe('the key was shown before; rotate it if it is lost\n');

  expect((await vouchsafe('keys', 'revoke', newId, '--yes')).stdout).toMatch(/^revoked\t20/m);
  expect((await vouchsafeAs(newKey, 'wallets', 'list')).exitCode).toBe(3);

  const audit = JSON.parse((await vouchsafe('audit', '--resource', 'api_key', '--actor', 'admin', '--json')).stdout);
  expect(audit.items.map((entry: { action: string }) => entry.action)).toEqual([
    'api_key.revoke',
    'api_key.rotate',
    'api_key.create',
  ]);
  const [, row] = (await vouchsafe('audit', '--action', 'api_key.rotate', '--limit', '1')).stdout.split('\n');
  expect(row).toContain(`\tadmin\t127.0.0.1\tapi_key.rotate\tdone\t${id}\t{`);
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from 'nats';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CA, CLIENT, NATS_TLS, startSecuredNats } from '../test/secured-servers.ts';
import { readConfig } from './config.ts';
import { temporaryFolder } from './local/testing/folder.ts';
import { openNats } from './nats.ts';

const start = async (config: string) => {
  const server = await startSecuredNats(await temporaryFolder(), config);
  onTestFinished(server.stop);
  return server.port;
};

/** Whether a server lets us in that is named by these variables. */
async function opens(variables: Record<string, string>): Promise<true | string> {
  const { given, nats } = readConfig(variables);
  try {
    const connection = await openNats(given.natsUrl ?? '', nats, { name: 'test', timeoutMs: 5_000 });
    await connection.flush();
    await connection.close();
    return true;
  } catch (error) {
    return String(error);
  }
}

describe('NATS is told who we are', () => {
  test('by a user and a password of its address', async () => {
    const port = await start('authorization { user: "a b", password: "p/w@:d" }');
    expect(await opens({ NATS_URL: `nats://a%20b:p%2Fw%40%3Ad@127.0.0.1:${port}` })).toBe(true);
    expect(await opens({ NATS_URL: `nats://a%20b:other@127.0.0.1:${port}` })).toContain('Authorization Violation');
    expect(await opens({ NATS_URL: `nats://127.0.0.1:${port}` })).toContain('Authorization Violation');
  });

  test('by a token of its address', async () => {
    const port = await start('authorization { token: "s3cret" }');
    expect(await opens({ NATS_URL: `nats://s3cret@127.0.0.1:${port}` })).toBe(true);
    expect(await opens({ NATS_URL: `nats://other@127.0.0.1:${port}` })).toContain('Authorization Violation');
  });

  test('by a file of credentials', async () => {
    const user = nkeys.createUser();
    const port = await start(`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
    const credentials = join(await temporaryFolder(), 'vouchsafe.creds');
    const block = (title: string, text: string) => `-----BEGIN ${title}-----\n${text}\n------END ${title}------\n\n`;
    const seed = new TextDecoder().decode(user.getSeed());
    await writeFile(credentials, block('NATS USER JWT', 'unused.by.nkeys') + block('USER NKEY SEED', seed));
    expect(await opens({ NATS_URL: `nats://127.0.0.1:${port}`, NATS_CREDS: credentials })).toBe(true);
    expect(await opens({ NATS_URL: `nats://127.0.0.1:${port}` })).toContain('Authorization Violation');
  });

  test('by a certificate, where the server is known by its own', async () => {
    const port = await start(NATS_TLS);
    const NATS_URL = `tls://localhost:${port}`;
    const client = { NATS_CERT: CLIENT.cert, NATS_KEY: CLIENT.key };
    expect(await opens({ NATS_URL, NATS_CA: CA, ...client })).toBe(true);
    expect(await opens({ NATS_URL, NATS_CA: CA })).not.toBe(true);
    expect(await opens({ NATS_URL, ...client })).toContain('certificate');
  });
});

test('nothing is sent in clear to where the address says tls', async () => {
  const port = await start('authorization { token: "s3cret" }');
  expect(await opens({ NATS_URL: `tls://s3cret@127.0.0.1:${port}` })).not.toBe(true);
});

test('of a cluster any server will do', async () => {
  const port = await start('');
  expect(await opens({ NATS_URL: `nats://127.0.0.1:1,nats://127.0.0.1:${port}` })).toBe(true);
});

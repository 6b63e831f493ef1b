import { readFile } from 'node:fs/promises';
import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection } from 'nats';
import type { NatsSettings } from './config.ts';

/**
 * Connects to NATS once: whoever loses the connection opens another. Files are read anew each time, so that they may be
 * replaced. @param url may name a user and a password, or a token, and several servers of a cluster, separated by commas
 * @throws Error where none of them lets us in
 */
export async function openNats(
  url: string,
  { credsFile, tls }: NatsSettings,
  { name, timeoutMs }: { name: string; timeoutMs: number },
): Promise<NatsConnection> {
  const servers = url.split(',').map((one) => new URL(one));
  return await connect({
    servers: servers.map(({ host }) => host),
    name,
    timeout: timeoutMs,
    // Not by `maxReconnectAttempts: 0`: then the client gives up after the first server of several.
    reconnect: false,
    ...signIn(servers),
    ...(credsFile && { authenticator: credsAuthenticator(await readFile(credsFile)) }),
    // Else it is as the server wants it.
    ...(tls && { tls }),
  });
}

function signIn(servers: URL[]): ConnectionOptions {
  const { username = '', password = '' } = servers.find((server) => server.username !== '') ?? {};
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  if (user === '') return {};
  return pass === '' ? { token: user } : { user, pass };
}

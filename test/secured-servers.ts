import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect as connectHttp2, createSecureServer, constants as http2, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { answers } from '../api/redemptions/knock.ts';
import { localEnvironment } from '../platform/local/environment.ts';
import { obtain } from '../platform/local/executables.ts';
import { NATS } from '../platform/local/nats.ts';
import { LOOPBACK, withPort } from '../platform/local/ports.ts';
import { startServer } from '../platform/local/processes.ts';

/** Servers as they stand in a network that nobody trusts. What they ask for is made by `fixtures/tls/make.sh`. */

const file = (name: string) => join(import.meta.dirname, 'fixtures', 'tls', name);
export const CA = file('ca.pem');
export const CLIENT = { cert: file('client.pem'), key: file('client-key.pem') };

const SERVER = {
  cert: await readFile(file('server.pem')),
  key: await readFile(file('server-key.pem')),
  ca: await readFile(CA),
};

const PERMISSION_DENIED = '7';
const UNAUTHENTICATED = '16';

export interface Secured {
  port: number;
  stop(): Promise<void>;
}

/** A NATS with JetStream. @param config in its own format, of what it asks of clients */
export async function startSecuredNats(directory: string, config: string): Promise<Secured> {
  await mkdir(directory, { recursive: true });
  const program = await obtain(NATS, { environment: localEnvironment(), progress: () => undefined });
  const written = join(directory, 'nats.conf');
  await writeFile(written, `jetstream { store_dir: ${JSON.stringify(directory)} }\n${config}\n`);
  return await withPort(undefined, async (port) => {
    const server = await startServer({
      name: NATS.title,
      program,
      args: ['--addr', LOOPBACK, '--port', String(port), '--config', written],
      stopSignal: 'SIGTERM',
      log: join(directory, 'nats.log'),
      record: join(directory, 'process.json'),
      isReady: () => answers(`${LOOPBACK}:${port}`, 1_000),
    });
    return { port, stop: () => server.stop() };
  });
}

/** NATS's configuration of a TLS that asks for a client's certificate. */
export const NATS_TLS = `tls {
  cert_file: ${JSON.stringify(file('server.pem'))}
  key_file: ${JSON.stringify(file('server-key.pem'))}
  ca_file: ${JSON.stringify(CA)}
  verify: true
}`;

/** A server of any protocol behind TLS. @param greet what is said in clear before, as Postgres does */
export async function openTlsGate(target: string, greet?: (socket: Socket) => Promise<void>): Promise<Secured> {
  const { hostname, port } = new URL(target);
  const server = createServer(async (outer) => {
    outer.on('error', () => undefined);
    await greet?.(outer);
    const near = new TLSSocket(outer, { isServer: true, ...SERVER });
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) socket.on('error', () => void [near.destroy(), far.destroy()]);
    near.pipe(far).pipe(near);
  });
  return await listening(server);
}

/** What a client of Postgres says first is answered by «S»: go on with TLS. */
export async function greetAsPostgres(socket: Socket): Promise<void> {
  await once(socket, 'readable');
  socket.read(8);
  socket.write('S');
}

/**
 * A Temporal behind TLS that takes an API key and, of clients, a certificate. As in Temporal Cloud, search attributes are
 * made elsewhere.
 */
export async function openTemporalGate(
  address: string,
  apiKey: string,
): Promise<Secured & { accept(apiKey: string): void }> {
  let accepted = apiKey;
  const far = connectHttp2(`http://${address}`);
  const server = createSecureServer({ ...SERVER, requestCert: true, rejectUnauthorized: true });
  server.on('stream', (near: ServerHttp2Stream, headers) => {
    near.on('error', () => undefined);
    const refuse = (status: string) =>
      near.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status }, { endStream: true });
    if (headers.authorization !== `Bearer ${accepted}`) return refuse(UNAUTHENTICATED);
    if (headers[':path']?.endsWith('/AddSearchAttributes')) return refuse(PERMISSION_DENIED);
    const forwarded = far.request({ ...headers, ':authority': address, ':scheme': 'http' });
    forwarded.on('error', () => near.close(http2.NGHTTP2_INTERNAL_ERROR));
    forwarded.on('response', (answer) => near.respond(answer, { waitForTrailers: true }));
    near.on('wantTrailers', () => near.sendTrailers(trailers));
    let trailers = {};
    forwarded.on('trailers', (told) => {
      trailers = told;
    });
    near.on('close', () => forwarded.close(http2.NGHTTP2_CANCEL));
    near.pipe(forwarded).pipe(near);
  });
  const gate = await listening(server);
  return {
    ...gate,
    accept(apiKey) {
      accepted = apiKey;
    },
    async stop() {
      far.destroy();
      await gate.stop();
    },
  };
}

async function listening(server: Server): Promise<Secured> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  await once(server.listen(0, LOOPBACK), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

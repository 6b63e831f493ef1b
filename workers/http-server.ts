import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConfigError } from '../platform/config.ts';
import { newId } from '../platform/ids.ts';
import { problems } from '../platform/problems.ts';

export interface HttpServer {
  url: string;
  close(): Promise<void>;
}

/** Longer than load balancers and clients keep an idle connection, so that it is they who close it, never under a request. */
const KEEP_ALIVE_MS = 65_000;
/** Connections that may wait to be accepted: a flash crowd comes at once. */
const BACKLOG = 4_096;

/** Listens for requests. @throws ConfigError that names the variables, where it cannot listen there */
export async function startHttpServer(answer: RequestListener, host: string, port: number): Promise<HttpServer> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, answer);
  server.on('clientError', answerBadHttp);
  const chosen = await listen(server, host, port);
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`, close: () => closeServer(server) };
}

/** What cannot be read as HTTP gets a problem, too; then the connection is closed. */
function answerBadHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const code = error.code === 'HPE_HEADER_OVERFLOW' ? 'payload-too-large' : 'invalid-request';
  const [status, title] = problems[code];
  const body = JSON.stringify({ type: `/errors/${code}`, title, status, code });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nRequest-Id: ${newId()}\r\nConnection: close\r\n\r\n${body}`,
  );
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `port ${port} is in use by another process: set PORT to a free one, or stop that process`;
      const refused = `cannot listen on ${host}:${port} (${error.code}): set PORT and VOUCHSAFE_HOST to an address of this machine`;
      reject(new ConfigError(error.code === 'EADDRINUSE' ? taken : refused));
    });
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Lets requests that are under way end; connections that idle are closed. */
async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await closed;
}

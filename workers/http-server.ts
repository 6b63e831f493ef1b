import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConfigError } from '../platform/config.ts';
import { newId } from '../platform/ids.ts';
import { type ProblemCode, problems } from '../platform/problems.ts';

export interface HttpServer {
  url: string;
  close(): Promise<void>;
}

/** Longer than load balancers and clients keep an idle connection, so that it is they who close it, never under a request. */
const KEEP_ALIVE_MS = 65_000;
const CLOSE_IDLE_EVERY_MS = 50;
const SILENT_MS = 1_000;
/** Connections that may wait to be accepted: a flash crowd comes at once. */
const BACKLOG = 4_096;

/** Listens for requests. @throws ConfigError that names the variables, where it cannot listen there */
export async function startHttpServer(answer: RequestListener, host: string, port: number): Promise<HttpServer> {
  /** Connections on which no request has come in whole yet: Node counts them among the busy ones. */
  const silent = new Set<Socket>();
  // Node's own refusals have no body: what it would refuse is let through, or answered here.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requireHostHeader: false }, (request, response) => {
    silent.delete(request.socket);
    if (request.headers.host === undefined && request.httpVersion === '1.1')
      return endWithProblem(request.socket, 'invalid-request', 'The header Host is missing.');
    // What still comes on an open connection is answered, and is the last there: else a busy one would stay for ever.
    if (!server.listening) response.setHeader('Connection', 'close');
    answer(request, response);
  });
  server.on('connection', (socket) => silent.add(socket.once('close', () => silent.delete(socket))));
  server.on('clientError', answerBadHttp);
  // An expectation that is not known may be disregarded, RFC 9110.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('connect', (_, socket) => endWithProblem(socket, 'invalid-request', 'This is no proxy.'));
  const chosen = await listen(server, host, port);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`,
    close: () => closeServer(server, silent),
  };
}

/** What cannot be read as HTTP gets a problem, too; then the connection is closed. */
function answerBadHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  endWithProblem(socket, error.code === 'HPE_HEADER_OVERFLOW' ? 'payload-too-large' : 'invalid-request');
}

function endWithProblem(socket: Duplex, code: ProblemCode, detail?: string): void {
  const [status, title] = problems[code];
  const body = JSON.stringify({ type: `/errors/${code}`, title, status, code, detail });
  // Node hands a socket of CONNECT over without a listener: that its client is gone would end the process.
  socket.on('error', () => socket.destroy());
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

/** Lets requests that are under way end, if they come in whole soon; connections are closed as soon as they idle. */
async function closeServer(server: Server, silent: Set<Socket>): Promise<void> {
  for (const socket of silent) if (socket.bytesRead === 0) socket.destroy();
  const giveUpAt = performance.now() + SILENT_MS;
  const timer = setInterval(() => {
    server.closeIdleConnections();
    if (performance.now() > giveUpAt) for (const socket of silent) socket.destroy();
  }, CLOSE_IDLE_EVERY_MS);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearInterval(timer);
}

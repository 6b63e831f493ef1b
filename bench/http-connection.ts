import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  status: number;
  body: string;
}

/** An HTTP/1.1 connection that is kept alive and carries one exchange at a time. */
export interface HttpConnection {
  /** @throws Error when the connection breaks or the answer is not one we can read */
  get(path: string): Promise<HttpAnswer>;
  /** @param body JSON @param headers of this request alone @throws as `get` */
  post(path: string, body: string, headers?: Record<string, string>): Promise<HttpAnswer>;
  close(): void;
}

const TIMEOUT_MS = 30_000;
/** What a socket reads is taken from here before the next one reads. */
const READ_BUFFER = Buffer.alloc(65_536);

/**
 * Opens a connection. It speaks no more HTTP than our own server does, and so takes a tenth of the time of Node's client,
 * which the server under test can have: load and server share a machine.
 */
export async function openHttpConnection(
  url: URL,
  bearer: string,
  headers: Record<string, string> = {},
): Promise<HttpConnection> {
  let received = '';
  let waiting: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined;
  const fail = (error: Error) => {
    socket.destroy();
    waiting?.reject(error);
    waiting = undefined;
  };
  const take = (bytes: number) => {
    received += READ_BUFFER.toString('latin1', 0, bytes);
    try {
      const answer = readAnswer(received);
      if (answer) {
        received = '';
        waiting?.resolve(answer);
        waiting = undefined;
      }
    } catch (error) {
      fail(error as Error);
    }
    return true;
  };
  const socket: Socket = connect({
    host: url.hostname,
    port: Number(url.port),
    noDelay: true,
    onread: { buffer: READ_BUFFER, callback: take },
  });
  await once(socket, 'connect');
  socket.setTimeout(TIMEOUT_MS, () => fail(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed')));
  const lines = { Host: url.host, Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json', ...headers };
  const head = headLines(lines);
  const exchange = (request: string) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      waiting = { resolve, reject };
      if (socket.destroyed) return fail(new Error('the connection is closed'));
      socket.write(request);
    });
  return {
    get: (path) => exchange(`GET ${path} HTTP/1.1\r\n${head}\r\n`),
    post(path, body, own = {}) {
      const length = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
      return exchange(`POST ${path} HTTP/1.1\r\n${head}${headLines(own)}${length}\r\n${body}`);
    },
    close: () => socket.destroy(),
  };
}

const headLines = (headers: Record<string, string>) =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');

/** Reads an answer off what was received, a character a byte. Undefined: it is not whole yet. */
export function readAnswer(received: string): HttpAnswer | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = received.slice(0, headEnd);
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? [];
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (!status || !length) throw new Error(`an answer that cannot be read: ${head}`);
  const body = received.slice(headEnd + 4);
  if (body.length < Number(length)) return undefined;
  if (body.length > Number(length)) throw new Error('an answer longer than it says');
  return { status: Number(status), body: Buffer.from(body, 'latin1').toString('utf8') };
}

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import type { CliSettings } from '../platform/config-client.ts';
import type { ExitCode } from './errors.ts';
import { run } from './run.ts';

export interface Received {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Reply {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

type Answer = Reply | 'hang up';

/** An HTTP server for tests of the CLI: answers `METHOD /path` with a reply, or with a function of the request. */
export async function startApi(routes: Record<string, Reply | ((request: Received) => Answer | Promise<Answer>)>) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url = '', headers } = request;
    const seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
    received.push(seen);
    const route = routes[`${method} ${url.split('?')[0]}`] ?? problem(404, 'not-found', 'Not found');
    const reply = typeof route === 'function' ? await route(seen) : route;
    if (reply === 'hang up') return void request.socket.destroy();
    const isText = typeof reply.body === 'string';
    const type = reply.status >= 400 ? 'application/problem+json' : 'application/json';
    response.writeHead(reply.status, { 'content-type': isText ? 'text/plain' : type, ...reply.headers });
    response.end(isText ? reply.body : JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections());
  return { url, received, close };
}

export function problem(status: number, code: string, title: string, more: object = {}): Reply {
  return { status, body: { type: `/errors/${code}`, title, status, code, ...more } };
}

export interface Ran {
  exitCode: ExitCode;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process. */
export async function runCli(argv: string[], settings?: Partial<CliSettings>, terminal?: Typed): Promise<Ran> {
  const streams = surroundings(settings, terminal);
  const exitCode = await run(argv, streams);
  return { exitCode, stdout: written(streams.stdout), stderr: written(streams.stderr) };
}

/** What was written to a pipe since it was last asked: newer Node's `read` gives one write at a time. */
export function written(pipe: Readable): string {
  let text = '';
  for (let chunk = pipe.read(); chunk !== null; chunk = pipe.read()) text += chunk;
  return text;
}

/** Pipes for a run's streams, or terminals, in which something may be typed. */
export function surroundings(settings: Partial<CliSettings> = {}, terminal?: Typed) {
  const [stdin, stdout, stderr] = [pipe(terminal), pipe(terminal), pipe(terminal)];
  if (terminal?.typed !== undefined) stdin.end(terminal.typed);
  const all = {
    url: 'http://127.0.0.1:9',
    key: 'test-key',
    currency: 'USD',
    walletDatabaseUrl: undefined,
    ...settings,
  };
  return { stdin, stdout, stderr, settings: () => all };
}

interface Typed {
  typed?: string;
}

function pipe(terminal: object | undefined): PassThrough & { isTTY?: boolean } {
  const stream = new PassThrough({ highWaterMark: 1e8 });
  return terminal ? Object.assign(stream, { isTTY: true }) : stream;
}

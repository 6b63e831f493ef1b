import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startHttpServer } from './http-server.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: here\r\n\r\n';

test('a server that closes answers what is under way, and what still comes on that connection as its last', async () => {
  const asked: ServerResponse[] = [];
  const server = await startHttpServer((_, response) => asked.push(response), '127.0.0.1', 0);
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  const answered = text(socket);
  const request = async () => {
    const before = asked.length;
    socket.write(REQUEST);
    while (asked.length === before) await new Promise((resolve) => setImmediate(resolve));
  };
  await request();
  const closed = server.close();
  // On its way before the first one is answered: it comes when the connection is about to idle.
  socket.write(REQUEST);
  asked[0]?.end('first');
  while (asked.length === 1) await new Promise((resolve) => setImmediate(resolve));
  asked[1]?.end('second');
  // The client keeps its connection: it is the server that ends it.
  await closed;
  expect(await answered).toMatch(/Connection: keep-alive.*first.*Connection: close.*second/s);
});

test.each([
  ['a request without Host', 'GET / HTTP/1.1\r\n\r\n', 'The header Host is missing.'],
  ['CONNECT', 'CONNECT here:80 HTTP/1.1\r\nHost: here\r\n\r\n', 'This is no proxy.'],
])('%s is answered with a problem', async (_, sent, detail) => {
  const server = await startHttpServer((_, response) => response.end('never'), '127.0.0.1', 0);
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(sent);
  const answer = await text(socket);
  await server.close();
  expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*Request-Id: [0-9a-f-]{36}\r\n/s);
  expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ status: 400, code: 'invalid-request', detail });
});

test('a client of CONNECT that is gone before it is answered harms nobody', async () => {
  const server = await startHttpServer((_, response) => response.end('answered'), '127.0.0.1', 0);
  const port = Number(new URL(server.url).port);
  for (let count = 0; count < 50; count++) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('CONNECT here:80 HTTP/1.1\r\nHost: here\r\n\r\n');
    // At once, and when it was read.
    if (count % 2) await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
  }
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n');
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*answered/s);
  await server.close();
});

test('what an HTTP/1.0 client sends without Host, and an expectation that is not known, are answered as all else', async () => {
  const server = await startHttpServer((_, response) => response.end('answered'), '127.0.0.1', 0);
  for (const sent of [
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: here\r\nExpect: more\r\nConnection: close\r\n\r\n',
  ]) {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(sent);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*answered/s);
  }
  await server.close();
});

test('a connection on which nothing was asked is closed, and one that idles later', async () => {
  const asked: ServerResponse[] = [];
  const server = await startHttpServer((_, response) => asked.push(response), '127.0.0.1', 0);
  const port = Number(new URL(server.url).port);
  const idle = connect(port, '127.0.0.1');
  await once(idle, 'connect');
  const busy = connect(port, '127.0.0.1');
  busy.write(REQUEST);
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const closed = server.close();
  idle.resume();
  await once(idle, 'close');
  asked[0]?.end('done');
  await closed;
  expect(await text(busy)).toContain('done');
});

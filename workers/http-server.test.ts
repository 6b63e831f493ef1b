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

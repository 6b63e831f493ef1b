import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openHttpConnection, readAnswer } from './http-connection.ts';

test('an answer is read when it is whole, its text in UTF-8', () => {
  const body = '{"state":"é"}';
  const bytes = Buffer.from(`HTTP/1.1 201 Created\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  const received = bytes.toString('latin1');
  for (let length = 0; length < received.length; length++) {
    expect(readAnswer(received.slice(0, length))).toBeUndefined();
  }
  expect(readAnswer(received)).toEqual({ status: 201, body });
});

test('an answer that says no length, or is longer than it says, is refused', () => {
  expect(() => readAnswer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')).toThrow('cannot be read');
  expect(() => readAnswer('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab')).toThrow('longer than it says');
});

test('one connection carries one exchange after the other, and a broken one is an error', async () => {
  const ports = new Set<number | undefined>();
  const server = createServer(async (request, response) => {
    ports.add(request.socket.remotePort);
    let body = '';
    for await (const chunk of request) body += chunk;
    if (body === 'end') request.socket.destroy();
    else
      response.end(`${request.method} ${request.headers.authorization} ${request.headers['idempotency-key']} ${body}`);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const connection = await openHttpConnection(url, 'key');
  const one = await connection.post('/', 'one', { 'Idempotency-Key': 'first' });
  expect(one).toEqual({ status: 200, body: 'POST Bearer key first one' });
  expect(await connection.post('/', 'two')).toEqual({ status: 200, body: 'POST Bearer key undefined two' });
  expect(await connection.get('/')).toEqual({ status: 200, body: 'GET Bearer key undefined ' });
  expect(ports.size).toBe(1);
  await expect(connection.post('/', 'end')).rejects.toThrow('closed');
});

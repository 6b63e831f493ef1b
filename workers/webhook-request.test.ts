import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createWebhookSender } from './webhook-request.ts';

test('what a receiver closes without an answer is sent once more at most, however many connections were kept', async () => {
  let isClosing = false;
  let received = 0;
  const server = createServer((request, response) => {
    received++;
    if (isClosing) request.socket.destroy();
    else setImmediate(() => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sender = createWebhookSender(true);
  onTestFinished(() => {
    sender.close();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const send = () => sender.send(url, {}, '{}', new AbortController().signal);
  await Promise.all(Array.from({ length: 8 }, send));
  isClosing = true;
  received = 0;
  await expect(send()).rejects.toThrow('socket hang up');
  expect(received).toBe(2);
  isClosing = false;
  expect(await send()).toMatchObject({ status: 204 });
});

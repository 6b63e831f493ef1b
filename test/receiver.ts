import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CloudEvent } from '../platform/outbox.ts';

export interface ReceivedWebhook {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  event: CloudEvent;
}

export interface Receiver {
  url: string;
  received: ReceivedWebhook[];
  /** How it answers from now on; 204, unless told otherwise. */
  answer: (webhook: ReceivedWebhook, response: ServerResponse) => void;
  /** Events that came to a path, in the order they came. */
  at(path: string): ReceivedWebhook[];
  close(): Promise<void>;
}

/** A receiver of webhooks in this process. */
export async function startReceiver(): Promise<Receiver> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const webhook = { path: request.url ?? '', headers: request.headers, body, event: JSON.parse(body) };
    receiver.received.push(webhook);
    receiver.answer(webhook, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    answer: (_, response) => void response.writeHead(204).end(),
    at: (path) => receiver.received.filter((webhook) => webhook.path === path),
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
  return receiver;
}

/** Answers every webhook with a status. */
export const answerWith =
  (status: number, headers: Record<string, string> = {}): Receiver['answer'] =>
  (_, response) =>
    void response.writeHead(status, headers).end();

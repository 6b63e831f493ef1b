import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { DatabaseUnavailable } from './database-errors.ts';
import { ALIVE_EVERY_MS, isAnswer, OPERATIONS, readAnswer, writeArguments } from './part-messages.ts';

/** A part that says nothing for so long is taken to be away. */
const SILENCE_MS = 5 * ALIVE_EVERY_MS;

/**
 * A part's operations, done by the process that serves it. They throw what they throw there, and DatabaseUnavailable where
 * that process is away.
 */
export function remotePart<Operations extends object>(url: string, key: string): Operations & { close(): void } {
  const isSecure = url.startsWith('https:');
  const agent = isSecure ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const send = (name: string) =>
    (isSecure ? secureRequest : request)(url.replace(/\/+$/, '') + OPERATIONS + name, {
      method: 'POST',
      agent,
      timeout: SILENCE_MS,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/octet-stream' },
    });
  const away = (mayHaveHappened: boolean, cause?: unknown) =>
    new DatabaseUnavailable(`of the part at ${url} cannot be asked`, mayHaveHappened, cause);
  const call = async (name: string, values: unknown[]): Promise<unknown> => {
    const message = writeArguments(values);
    const outgoing = send(name);
    let status: number | undefined;
    let answer: Buffer;
    try {
      const incoming = await answerTo(outgoing, message);
      status = incoming.statusCode;
      answer = await buffer(incoming);
    } catch (error) {
      // What has not come whole is not begun.
      throw away(outgoing.writableFinished, error);
    }
    if (status === 200 && isAnswer(answer)) return readAnswer(answer);
    const told = new Error(`it answers ${name} with ${status}`);
    if (status === 404) throw told;
    // With 401 it does not know this gateway's key; all else comes from whoever is in between.
    throw away(status !== 401 && status !== 413, told);
  };
  const close = () => agent.destroy();
  return new Proxy(Object.assign(Object.create(null), { close }), {
    get: (own, name) => {
      // What has a `then` would be taken for a promise.
      if (name in own || typeof name !== 'string' || name === 'then') return own[name];
      return (...values: unknown[]) => call(name, values);
    },
  });
}

function answerTo(outgoing: ClientRequest, message: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.once('timeout', () => outgoing.destroy(new Error(`silent for ${SILENCE_MS} ms`)));
    outgoing.end(message);
  });
}

import http from 'node:http';
import https from 'node:https';
import { namesPrivateAddress, PrivateAddressError, publicLookup } from '../platform/public-address.ts';

/** What a receiver answered. */
export interface WebhookAnswer {
  status: number;
  /** As sent. */
  retryAfter: string | undefined;
}

export interface WebhookSender {
  /**
   * Posts a body. Redirects are not followed, and nothing of the answer is kept but its status.
   * @throws Error when there is no answer before the signal, or none may be asked for
   */
  send(url: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<WebhookAnswer>;
  /** Breaks off what is under way. */
  close(): void;
}

/** More of an answer is not read: the connection is closed instead. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Keeps connections to receivers open. @param allowPrivate whether they may be in this machine's own networks */
export function createWebhookSender(allowPrivate: boolean): WebhookSender {
  const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
  const lookup = allowPrivate ? {} : { lookup: publicLookup() };

  /** @param isAnew on a connection of its own, after one that was kept had been closed */
  const send = (url: string, headers: Record<string, string>, body: string, signal: AbortSignal, isAnew = false) =>
    new Promise<WebhookAnswer>((resolve, reject) => {
      const target = new URL(url);
      if (!allowPrivate && namesPrivateAddress(target)) return reject(new PrivateAddressError());
      const isSecure = target.protocol === 'https:';
      if (!allowPrivate && !isSecure) return reject(new Error('the address is not https'));
      const request = (isSecure ? https : http).request(target, {
        method: 'POST',
        agent: isAnew ? false : agents[isSecure ? 'https' : 'http'],
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
        signal,
        ...lookup,
      });
      let answered = false;
      request.once('error', (error: NodeJS.ErrnoException) => {
        // The receiver closed a connection that had idled, as it may, most likely before it read anything there.
        const hadIdled = request.reusedSocket && !answered && error.code === 'ECONNRESET';
        if (hadIdled) send(url, headers, body, signal, true).then(resolve, reject);
        // Of an answer the status is enough: what was to come after it may fail, or be late.
        else if (!answered) reject(error);
      });
      request.once('response', (response) => {
        answered = true;
        let received = 0;
        response.on('data', (chunk: Buffer) => {
          received += chunk.length;
          if (received > MAX_ANSWER_BYTES) request.destroy();
        });
        response.once('close', () =>
          resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }),
        );
        response.on('error', () => undefined);
      });
      request.end(body);
    });

  return {
    send,
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

import { createInbox, headers, type NatsConnection } from 'nats';

/** Publishes a message. Resolved when the stream has it. @throws Error when the stream refuses it, or does not answer in time */
export type Publish = (subject: string, data: Uint8Array, messageId: string) => Promise<void>;

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
  giveUpAt: number;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Publishes to JetStream with one subscription for all acknowledgements and one timer for all time-outs. The client's own
 * \`publish\` makes a promise, a timer and an error object for each message, which was an eighth of a busy process.
 * https://docs.nats.io/reference/reference-protocols/nats_api_reference, "Publishing to a stream"
 */
export function openPublisher(nats: NatsConnection, timeoutMs: number): Publish {
  const inbox = createInbox();
  const waiting = new Map<string, Waiting>();
  let count = 0;
  const settle = (token: string, error?: Error) => {
    const one = waiting.get(token);
    waiting.delete(token);
    if (error) one?.reject(error);
    else one?.resolve();
  };

  nats.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      const token = message.subject.slice(inbox.length + 1);
      if (error) return settle(token, error);
      // No body: nobody listens on the subject, since there is no stream for it.
      const answer = message.data.length === 0 ? { error: { description: 'there is no stream' } } : message.json();
      const { error: refusal } = answer as { error?: { description: string } };
      settle(token, refusal && new Error(`JetStream: ${refusal.description}`));
    },
  });
  const timer = setInterval(() => {
    const now = performance.now();
    for (const [token, { giveUpAt }] of waiting) {
      if (giveUpAt <= now) settle(token, new Error('JetStream did not acknowledge in time'));
    }
  }, LOOK_EVERY_MS).unref();
  nats.closed().then(() => {
    clearInterval(timer);
    for (const token of waiting.keys()) settle(token, new Error('the connection to NATS is closed'));
  });

  return (subject, data, messageId) =>
    new Promise((resolve, reject) => {
      const token = String(++count);
      const header = headers();
      header.set('Nats-Msg-Id', messageId);
      waiting.set(token, { resolve, reject, giveUpAt: performance.now() + timeoutMs });
      nats.publish(subject, data, { reply: `${inbox}.${token}`, headers: header });
    });
}

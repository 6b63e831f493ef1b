import { createInbox, type MsgHdrs, type NatsConnection, StringCodec } from 'nats';

export interface Message {
  subject: string;
  text: string;
  /** What JetStream dedupes by. */
  id: string;
}

/**
 * Publishes messages. Resolved when each has its answer, with one result a message, in order: undefined where the stream
 * has it, else an error, because the stream refused it or did not answer in time. Never rejected.
 */
export type Publish = (messages: Message[]) => Promise<(Error | undefined)[]>;

interface Underway {
  results: (Error | undefined)[];
  waiting: Set<number>;
  resolve(results: (Error | undefined)[]): void;
  giveUpAt: number;
}

const LOOK_EVERY_MS = 1_000;
const { decode } = StringCodec();

/**
 * Publishes to JetStream with one subscription for all acknowledgements, one promise a list, and one timer for all
 * time-outs. The client's own `publish` makes a promise, a timer and an error object for each message, which was an eighth
 * of a busy process. https://docs.nats.io/reference/reference-protocols/nats_api_reference, "Publishing to a stream"
 */
export function openPublisher(nats: NatsConnection, timeoutMs: number): Publish {
  const inbox = createInbox();
  const lists = new Map<string, Underway>();
  let count = 0;
  const settle = (listName: string, index: number, error: Error | undefined) => {
    const list = lists.get(listName);
    if (!list?.waiting.delete(index)) return;
    list.results[index] = error;
    if (list.waiting.size > 0) return;
    lists.delete(listName);
    list.resolve(list.results);
  };
  const giveUp = (listName: string, list: Underway, error: Error) => {
    for (const index of list.waiting) settle(listName, index, error);
  };

  nats.subscribe(`${inbox}.*.*`, {
    callback: (error, message) => {
      const [listName = '', index] = message.subject.slice(inbox.length + 1).split('.');
      if (error) return settle(listName, Number(index), error);
      // No body: nobody listens on the subject, since there is no stream for it.
      if (message.data.length === 0) return settle(listName, Number(index), new Error('JetStream: there is no stream'));
      const text = decode(message.data);
      // Most are good, and need not be read.
      const refusal = text.includes('"error"') && (JSON.parse(text) as { error?: { description: string } }).error;
      settle(listName, Number(index), refusal ? new Error(`JetStream: ${refusal.description}`) : undefined);
    },
  });
  const timer = setInterval(() => {
    const now = performance.now();
    for (const [name, list] of lists) {
      if (list.giveUpAt <= now) giveUp(name, list, new Error('JetStream did not acknowledge in time'));
    }
  }, LOOK_EVERY_MS).unref();
  nats.closed().then(() => {
    clearInterval(timer);
    for (const [name, list] of lists) giveUp(name, list, new Error('the connection to NATS is closed'));
  });

  return (messages) =>
    new Promise((resolve) => {
      if (messages.length === 0) return resolve([]);
      const name = String(++count);
      const waiting = new Set(messages.keys());
      lists.set(name, { results: [], waiting, resolve, giveUpAt: performance.now() + timeoutMs });
      for (const [index, { subject, text, id }] of messages.entries()) {
        try {
          nats.publish(subject, Buffer.from(text), { reply: `${inbox}.${name}.${index}`, headers: idHeader(id) });
        } catch (error) {
          settle(name, index, error as Error);
        }
      }
    });
}

/**
 * The header by which JetStream dedupes. The client takes a header's bytes and nothing else; its own writes them in four
 * times the time. https://docs.nats.io/using-nats/developer/develop_jetstream/model_deep_dive, "Message Deduplication"
 */
const idHeader = (id: string) =>
  ({ encode: () => Buffer.from(`NATS/1.0\r\nNats-Msg-Id: ${id}\r\n\r\n`) }) as unknown as MsgHdrs;

import { AckPolicy, DeliverPolicy, type JsMsg, type NatsConnection, nanos, StringCodec } from 'nats';
import { addWebhookDeliveries, type WebhookEvent } from '../domains/gateway/add-webhook-deliveries.ts';
import type { GatewayDatabase } from '../domains/gateway/database.ts';
import { eventsWantedSince, wantedEventTypes } from '../domains/gateway/wanted-events.ts';
import { batched } from '../platform/batched.ts';
import type { NatsSettings } from '../platform/config.ts';
import { ALL_EVENTS } from '../platform/event-types.ts';
import { unlessMissing, WEBHOOK_CONSUMER } from '../platform/jetstream.ts';
import type { Logger } from '../platform/logger.ts';
import { openNats } from '../platform/nats.ts';
import { within } from '../platform/within.ts';

export interface WebhookConsumerOptions {
  gateway: GatewayDatabase;
  natsUrl: string;
  nats: NatsSettings;
  /** How far back an event that comes again is known. */
  keptMs: number;
  logger: Logger;
  /** Deliveries were written. */
  onAdded(): void;
}

export interface WebhookConsumer {
  /** An endpoint was made or changed: look now. */
  wake(): void;
  close(): Promise<void>;
}

const POLL_MS = 1_000;
const RETRY_MS = 1_000;
const BATCH = 500;
const MAX_UNACKNOWLEDGED = 4_000;
const ACKNOWLEDGE_WITHIN_MS = 30_000;
/** The stream is read from so long before the first endpoint was there: clocks differ, and events take a while. */
const MARGIN_MS = 60_000;
/** Safe in a header. */
const EVENT_ID = /^[\w.-]{1,200}$/;
const decode = StringCodec().decode;

/**
 * Turns events of the stream into rows to be delivered. A message is acknowledged after its rows are committed, so that
 * none is lost; one that comes again finds its rows. All processes share one durable consumer. While no endpoint wants
 * anything there is none, and no connection either, so that webhooks nobody uses cost nothing.
 */
export function startWebhookConsumer(options: WebhookConsumerOptions): WebhookConsumer {
  const { gateway, logger } = options;
  let closing = false;
  let wakeUp = () => {};
  const idle = (ms: number) =>
    within(
      ms,
      new Promise<void>((resolve) => {
        wakeUp = resolve;
      }),
    );

  const run = async () => {
    while (!closing) {
      try {
        const since = await eventsWantedSince(gateway);
        if (since) await consumeWhileWanted(options, since, idle, () => closing);
        else await idle(POLL_MS);
      } catch (error) {
        logger.warn({ error: String(error) }, 'the webhook consumer lost a connection and will try again');
        if (!closing) await idle(RETRY_MS);
      }
    }
  };
  const finished = run();
  return {
    wake: () => wakeUp(),
    async close() {
      closing = true;
      wakeUp();
      await finished;
    },
  };
}

async function consumeWhileWanted(
  options: WebhookConsumerOptions,
  since: Date,
  idle: (ms: number) => Promise<void>,
  closing: () => boolean,
): Promise<void> {
  const { gateway, natsUrl, keptMs } = options;
  const { stream } = options.nats;
  const nats = await openNats(natsUrl, options.nats, { name: 'vouchsafe webhooks', timeoutMs: 5_000 });
  try {
    const start = new Date(Math.max(since.getTime() - MARGIN_MS, gateway.nowMs() - keptMs));
    await openConsumer(nats, stream, start);
    const consumer = await nats.jetstream().consumers.get(stream, WEBHOOK_CONSUMER);
    const messages = await consumer.consume({
      max_messages: BATCH,
      abort_on_missing_resource: true,
      callback: intake(options),
    });
    let ended: unknown;
    const end = Promise.race([messages.closed(), nats.closed()]).then((error) => {
      ended = error ?? new Error('the stream cannot be read');
    });
    let isWanted = true;
    while (isWanted && !ended && !closing()) {
      await Promise.race([idle(POLL_MS), end]);
      isWanted = (await eventsWantedSince(gateway)) !== undefined;
    }
    if (isWanted && ended) throw ended;
    if (isWanted || ended) return;
    await messages.close();
    // Another process may have been first.
    await consumer.delete().catch(() => undefined);
  } finally {
    await nats.close().catch(() => undefined);
  }
}

/** Makes the durable consumer, unless it is there. */
async function openConsumer(nats: NatsConnection, stream: string, start: Date): Promise<void> {
  const { consumers } = await nats.jetstreamManager();
  if (await unlessMissing(consumers.info(stream, WEBHOOK_CONSUMER))) return;
  await consumers.add(stream, {
    durable_name: WEBHOOK_CONSUMER,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACKNOWLEDGE_WITHIN_MS),
    max_ack_pending: MAX_UNACKNOWLEDGED,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: start.toISOString(),
  });
}

/** What is done with each message: its rows are written together with those of others, then it is acknowledged. */
function intake(options: WebhookConsumerOptions): (message: JsMsg) => void {
  const { gateway, logger, onAdded } = options;
  const store = batched<JsMsg, void>(
    async (messages) => {
      // Read after the messages came: who wants events by now is known, and of what nobody wants nothing is parsed.
      const types = await wantedEventTypes(gateway);
      const isWanted = (message: JsMsg) => types.has(ALL_EVENTS) || types.has(typeOf(message));
      const events = messages.filter(isWanted).flatMap((message) => {
        const event = readEvent(message);
        if (!event) logger.warn({ subject: message.subject, sequence: message.seq }, 'a message is no event of ours');
        return event ? [event] : [];
      });
      if (events.length > 0 && (await addWebhookDeliveries(gateway, events)) > 0) onAdded();
      return messages.map(() => undefined);
    },
    { max: BATCH, inFlight: 1 },
  );
  return (message) => {
    store(message)
      .then(
        () => message.ack(),
        (error: unknown) => {
          logger.warn({ error: String(error) }, 'webhook deliveries could not be written; will try again');
          message.nak(RETRY_MS);
        },
      )
      .catch(() => undefined);
  };
}

/** `vouchsafe.<part>.<type>` */
const typeOf = ({ subject }: JsMsg) => subject.split('.').slice(2).join('.');

function readEvent(message: JsMsg): WebhookEvent | undefined {
  try {
    const body = decode(message.data);
    const { id, type, time } = JSON.parse(body) as { id: unknown; type: unknown; time: unknown };
    const occurredAt = new Date(String(time));
    const isEvent = typeof id === 'string' && EVENT_ID.test(id) && !Number.isNaN(occurredAt.getTime());
    return isEvent && type === typeOf(message) ? { id, type, occurredAt, body } : undefined;
  } catch {
    return undefined;
  }
}

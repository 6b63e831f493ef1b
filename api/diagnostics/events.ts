import type { NatsSettings } from '../../platform/config.ts';
import { unlessMissing, WEBHOOK_CONSUMER } from '../../platform/jetstream.ts';
import { openNats } from '../../platform/nats.ts';
import type { OutboxStatus } from '../../platform/outbox-status.ts';
import type { SagaPart } from '../../workflows/contracts.ts';
import { type Check, failed, ok, warning } from './check.ts';

const TIMEOUT_MS = 3_000;
const LATE_S = 10;

/** What there is to say of NATS: that it answers, its stream, and how far the webhooks' consumer is. */
export async function natsChecks(url: string, settings: NatsSettings): Promise<Check[]> {
  const { stream } = settings;
  const startedAt = performance.now();
  try {
    const nats = await openNats(url, settings, { name: 'vouchsafe doctor', timeoutMs: TIMEOUT_MS });
    try {
      const latencyMs = Math.round(performance.now() - startedAt);
      const answers = ok('NATS', `version ${nats.info?.version}, answers in ${latencyMs} ms`);
      const { streams, consumers } = await nats.jetstreamManager({ timeout: TIMEOUT_MS });
      const found = await unlessMissing(streams.info(stream));
      if (!found) {
        const action =
          'Start a gateway again: it makes the stream. Then `vouchsafe outbox replay` brings its events back.';
        return [answers, failed('stream', `there is no stream ${stream}`, action)];
      }
      const { messages, bytes } = found.state;
      const consumer = await unlessMissing(consumers.info(stream, WEBHOOK_CONSUMER));
      return [
        answers,
        ok('stream', `${stream}: ${messages} events, ${(bytes / 1024 ** 2).toFixed(1)} MiB`),
        consumer
          ? ok('webhook consumer', `${consumer.num_pending} events to read, ${consumer.num_ack_pending} being written`)
          : ok('webhook consumer', 'none, since no endpoint wants events'),
      ];
    } finally {
      await nats.close();
    }
  } catch (error) {
    const action =
      'Start NATS with JetStream, or correct NATS_URL; a private one is started by the next start. Events wait meanwhile.';
    return [failed('NATS', String(error), action)];
  }
}

/** How far the relay of a part is behind. */
export async function outboxCheck(part: SagaPart, reading: Promise<OutboxStatus>) {
  const name = `${part} outbox`;
  let status: OutboxStatus;
  try {
    status = await reading;
  } catch (error) {
    return failed(name, String(error), `See the ${part} database.`);
  }
  const { unpublished, lagSeconds } = status;
  const detail = `${unpublished} events wait, the oldest for ${lagSeconds.toFixed(1)} s`;
  if (lagSeconds < LATE_S) return ok(name, detail);
  return warning(
    name,
    detail,
    'See NATS, and the log of the processes that work on this part: a relay there publishes them.',
  );
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type ClaimedDelivery, claimWebhookDeliveries } from '../domains/gateway/claim-webhook-deliveries.ts';
import type { GatewayDatabase } from '../domains/gateway/database.ts';
import { removeOldWebhookDeliveries } from '../domains/gateway/remove-old-webhook-deliveries.ts';
import { type AttemptOutcome, settleWebhookDeliveries } from '../domains/gateway/settle-webhook-deliveries.ts';
import { liveWebhookSecrets, type SealedSecret, unsealWebhookSecret } from '../domains/gateway/webhook-secrets.ts';
import { batched } from '../platform/batched.ts';
import type { CodeKey } from '../platform/code-keys.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import { within } from '../platform/within.ts';
import { createWebhookSender, type WebhookAnswer } from './webhook-request.ts';
import { signatureHeaders } from './webhook-signature.ts';

export interface WebhookDeliverer {
  /** Something is due: look now. */
  wake(): void;
  close(): Promise<void>;
}

interface Delivery extends ClaimedDelivery {
  secrets: SealedSecret[];
}

const POLL_MS = 1_000;
/** Where places come free one by one, let some more: a claim costs the same for one as for many. */
const GATHER_MS = 5;
const REMOVE_EVERY_MS = 60_000;
const CLOSE_WITHIN_MS = 2_000;
/** The most that a receiver can ask to wait. */
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Share by which an interval is longer or shorter, so that what failed together does not come back together. */
const JITTER = 0.1;

/**
 * Sends deliveries that are due, to each endpoint a few at a time, so that a slow or dead one holds back no other. A
 * delivery may arrive twice, when a process dies between the receiver's answer and the mark of it.
 */
export function startWebhookDeliverer(
  db: GatewayDatabase,
  seals: CodeKey[],
  config: Config['webhooks'],
  metrics: Metrics,
  logger: Logger,
): WebhookDeliverer {
  const sender = createWebhookSender(config.allowPrivate);
  let closing = false;
  const busy = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  let wakeUp = () => {};
  let removeAt = 0;

  const settle = batched<AttemptOutcome, void>(
    async (outcomes) => {
      await settleWebhookDeliveries(db, outcomes);
      return outcomes.map(() => undefined);
    },
    { max: 256, inFlight: 1 },
  );

  const deliver = async (delivery: Delivery) => {
    busy.set(delivery.endpoint_id, (busy.get(delivery.endpoint_id) ?? 0) + 1);
    try {
      const outcome = await attempt(delivery);
      if (outcome) {
        metrics.webhookAttempts.inc({ state: outcome.state });
        await settle(outcome);
      }
      if (outcome?.gone)
        logger.warn({ endpoint_id: outcome.endpointId }, 'a webhook endpoint is gone: it was disabled');
    } catch (error) {
      // The claim runs out, and somebody tries again.
      logger.warn({ error: String(error) }, 'a webhook delivery could not be marked');
    } finally {
      const left = (busy.get(delivery.endpoint_id) ?? 1) - 1;
      if (left > 0) busy.set(delivery.endpoint_id, left);
      else busy.delete(delivery.endpoint_id);
      wakeUp();
    }
  };

  const attempt = async (delivery: Delivery): Promise<AttemptOutcome | undefined> => {
    try {
      const secrets = delivery.secrets.map((secret) => unsealWebhookSecret(seals, secret));
      const { event_id: eventId, url, body } = delivery;
      const headers = {
        'Content-Type': 'application/cloudevents+json; charset=utf-8',
        'User-Agent': 'Vouchsafe',
        ...signatureHeaders(secrets, eventId, new Date(db.nowMs()), body),
      };
      const answer = await sender.send(url, headers, body, AbortSignal.timeout(config.timeoutMs));
      return outcomeOf(delivery, answer, config.backoffMs);
    } catch (error) {
      // What was broken off here is not the receiver's failure.
      return closing ? undefined : failed(delivery, config.backoffMs, null, reasonOf(error));
    }
  };

  const run = async () => {
    while (!closing) {
      let woken = false;
      const wake = new Promise<void>((resolve) => {
        wakeUp = () => {
          woken = true;
          resolve();
        };
      });
      try {
        const claims = await claim();
        for (const delivery of claims) {
          const delivering = deliver(delivery).finally(() => underWay.delete(delivering));
          underWay.add(delivering);
        }
        await removeOld();
      } catch (error) {
        logger.warn({ error: String(error) }, 'webhook deliveries could not be claimed; will try again');
      }
      if (!woken) await within(POLL_MS, wake);
      await sleep(GATHER_MS);
    }
  };

  const claim = async (): Promise<Delivery[]> => {
    // Attempts are over well before their claim is.
    const claims = await claimWebhookDeliveries(db, busy, config.perEndpoint, 2 * config.timeoutMs);
    if (claims.length === 0) return [];
    const secrets = await liveWebhookSecrets(db, [...new Set(claims.map((one) => one.endpoint_id))]);
    return claims.map((one) => ({ ...one, secrets: secrets.get(one.endpoint_id) ?? [] }));
  };

  const removeOld = async () => {
    if (performance.now() < removeAt) return;
    const mayBeMore = await removeOldWebhookDeliveries(db, config.keptMs);
    removeAt = performance.now() + (mayBeMore ? POLL_MS : REMOVE_EVERY_MS);
  };

  const finished = run();
  return {
    wake: () => wakeUp(),
    async close() {
      closing = true;
      wakeUp();
      await finished;
      sender.close();
      await within(CLOSE_WITHIN_MS, Promise.all(underWay));
    },
  };
}

function outcomeOf(delivery: Delivery, { status, retryAfter }: WebhookAnswer, backoffMs: number[]): AttemptOutcome {
  const ended = { ...attempted(delivery), status, error: null, retryInMs: 0 };
  if (status >= 200 && status < 300) return { ...ended, state: 'delivered', gone: false };
  if (status === 410) return { ...ended, state: 'dead', gone: true };
  const outcome = failed(delivery, backoffMs, status, null);
  const mayAsk = status === 429 || status === 503;
  return mayAsk ? { ...outcome, retryInMs: Math.max(outcome.retryInMs, retryAfterMs(retryAfter)) } : outcome;
}

/** To be tried again, or dead after the last interval. */
function failed(
  delivery: ClaimedDelivery,
  backoffMs: number[],
  status: number | null,
  error: string | null,
): AttemptOutcome {
  const interval = backoffMs[delivery.attempts - 1];
  const retryInMs = (interval ?? 0) * (1 + JITTER * (2 * Math.random() - 1));
  const state = interval === undefined ? 'dead' : 'pending';
  return { ...attempted(delivery), state, status, error, retryInMs, gone: false };
}

const attempted = ({ id, endpoint_id, attempts, url, enabled_at }: ClaimedDelivery) => {
  return { id, endpointId: endpoint_id, attempt: attempts, url, enabledAt: enabled_at };
};

/** Seconds, or an HTTP date. */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || (error.cause as Error | undefined)?.name === 'TimeoutError')
    return 'no answer in time';
  const nested = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
  return ((nested ?? error).message || error.name).slice(0, 200);
}

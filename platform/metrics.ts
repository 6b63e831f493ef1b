import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

const REQUEST_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const STEP_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/**
 * What a process counts of itself, and gauges that are read when somebody asks; docs/operations.md explains each. Names are
 * by https://prometheus.io/docs/practices/naming/. A process's own, of memory, CPU and event loop, have their usual names.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    requests: new Histogram({
      name: 'vouchsafe_http_request_duration_seconds',
      help: 'Requests by operation and status',
      labelNames: ['operation', 'status'] as const,
      buckets: REQUEST_BUCKETS_S,
      registers,
    }),
    redemptions: new Counter({
      name: 'vouchsafe_redemptions_total',
      help: 'Redemptions completed, refused or released here, and those answered with 202 before their end',
      labelNames: ['outcome', 'reason'] as const,
      registers,
    }),
    steps: new Histogram({
      name: 'vouchsafe_redemption_step_duration_seconds',
      help: 'Steps of batches, and how long redemptions queued for a batch',
      labelNames: ['step'] as const,
      buckets: STEP_BUCKETS_S,
      registers,
    }),
    batches: new Histogram({
      name: 'vouchsafe_redemption_batch_size',
      help: 'Redemptions of a batch',
      buckets: BATCH_BUCKETS,
      registers,
    }),
    stuck: new Counter({
      name: 'vouchsafe_redemptions_stuck_total',
      help: 'Redemptions handed over to workflows of their own, by the step that failed',
      labelNames: ['step'] as const,
      registers,
    }),
    wrongCodes: new Counter({
      name: 'vouchsafe_wrong_codes_total',
      help: 'Codes sent that are none',
      labelNames: ['reason'] as const,
      registers,
    }),
    lockouts: new Counter({
      name: 'vouchsafe_lockouts_total',
      help: 'Lock-outs for wrong codes, by what was locked out',
      labelNames: ['subject'] as const,
      registers,
    }),
    breakers: new Gauge({
      name: 'vouchsafe_breaker_open',
      help: '1 while new redemptions are refused because this does not answer',
      labelNames: ['dependency'] as const,
      registers,
    }),
    outboxUnpublished: new Gauge({
      name: 'vouchsafe_outbox_unpublished_events',
      help: 'Events that wait to be published',
      labelNames: ['part'] as const,
      registers,
    }),
    outboxLag: new Gauge({
      name: 'vouchsafe_outbox_lag_seconds',
      help: 'Age of the oldest event that waits; 0 where none does',
      labelNames: ['part'] as const,
      registers,
    }),
    webhookDeliveries: new Gauge({
      name: 'vouchsafe_webhook_deliveries',
      help: 'Deliveries that are pending, and those given up',
      labelNames: ['state'] as const,
      registers,
    }),
    webhookAttempts: new Counter({
      name: 'vouchsafe_webhook_attempts_total',
      help: 'Attempts to deliver, by the state they left the delivery in',
      labelNames: ['state'] as const,
      registers,
    }),
  };
}

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
  const counter = <Label extends string>(name: string, labelNames: Label[], help: string) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, labelNames: Label[], help: string) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, labelNames: Label[], buckets: number[], help: string) =>
    new Histogram({ name, help, labelNames, buckets, registers });
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    requests: histogram(
      'vouchsafe_http_request_duration_seconds',
      ['operation', 'status'],
      REQUEST_BUCKETS_S,
      'Requests by operation and status',
    ),
    redemptions: counter(
      'vouchsafe_redemptions_total',
      ['outcome', 'reason'],
      'Redemptions completed, refused or released here, and those answered with 202 before their end',
    ),
    steps: histogram(
      'vouchsafe_redemption_step_duration_seconds',
      ['step'],
      STEP_BUCKETS_S,
      'Steps of batches, and how long redemptions queued for a batch',
    ),
    batches: histogram('vouchsafe_redemption_batch_size', [], BATCH_BUCKETS, 'Redemptions of a batch'),
    stuck: counter(
      'vouchsafe_redemptions_stuck_total',
      ['step'],
      'Redemptions handed over to workflows of their own, by the step that failed',
    ),
    wrongCodes: counter('vouchsafe_wrong_codes_total', ['reason'], 'Codes sent that are none'),
    lockouts: counter('vouchsafe_lockouts_total', ['subject'], 'Lock-outs for wrong codes, by what was locked out'),
    breakers: gauge(
      'vouchsafe_breaker_open',
      ['dependency'],
      '1 while new redemptions are refused because this does not answer',
    ),
    outboxUnpublished: gauge('vouchsafe_outbox_unpublished_events', ['part'], 'Events that wait to be published'),
    outboxLag: gauge('vouchsafe_outbox_lag_seconds', ['part'], 'Age of the oldest event that waits; 0 where none does'),
    webhookDeliveries: gauge(
      'vouchsafe_webhook_deliveries',
      ['state'],
      'Deliveries that are pending, and those given up',
    ),
    webhookAttempts: counter(
      'vouchsafe_webhook_attempts_total',
      ['state'],
      'Attempts to deliver, by the state they left the delivery in',
    ),
  };
}

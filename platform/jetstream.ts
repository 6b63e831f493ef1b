import { NatsError } from 'nats';

/** The durable consumer by which all gateways read the events that webhooks want. */
export const WEBHOOK_CONSUMER = 'webhooks';

const NOT_FOUND = '404';

/** What JetStream says of a stream or a consumer; undefined where there is none. */
export async function unlessMissing<T>(info: Promise<T>): Promise<T | undefined> {
  try {
    return await info;
  } catch (error) {
    if (error instanceof NatsError && error.code === NOT_FOUND) return undefined;
    throw error;
  }
}

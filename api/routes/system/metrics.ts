import ipaddr from 'ipaddr.js';
import type { Context } from 'koa';
import { countWebhookDeliveries } from '../../../domains/gateway/count-webhook-deliveries.ts';
import { Problem } from '../../../platform/problems.ts';
import { within } from '../../../platform/within.ts';
import type { SagaPart } from '../../../workflows/contracts.ts';
import { authenticate } from '../../http/authenticate.ts';
import type { Router } from '../../router.ts';
import type { Services } from '../../services.ts';

/** A scrape waits no longer for a database; what it does not tell by then is left out. */
const TIMEOUT_MS = 2_000;
const DEPENDENCIES = ['gift-code', 'wallet', 'temporal'] as const;

/** `/metrics`, in the text format of Prometheus: open from this machine, else for keys with `ops:read`. */
export function metrics(router: Router, services: Services): void {
  router.get('/metrics', async (context) => {
    if (!isFromHere(context)) {
      const caller = await authenticate(context, services.callers);
      if (!caller.may('ops:read')) throw new Problem('forbidden');
    }
    await readGauges(services);
    const { registry } = services.metrics;
    context.set('Content-Type', registry.contentType);
    context.body = await registry.metrics();
  });
}

/**
 * What came through a proxy that is not configured, or that tells its origin in a header that is not read, hides it behind the
 * proxy's address, which may be this machine's.
 */
function isFromHere({ ip, headers, app }: Context): boolean {
  const hidesOrigin = headers['x-forwarded-for'] === undefined ? headers.forwarded !== undefined : !app.proxy;
  if (hidesOrigin) return false;
  return ipaddr.isValid(ip) && ipaddr.process(ip).range() === 'loopback';
}

async function readGauges({ metrics, breaker, giftCode, wallet, gateway }: Services): Promise<void> {
  const broken = breaker.broken();
  for (const dependency of DEPENDENCIES) metrics.breakers.set({ dependency }, broken.includes(dependency) ? 1 : 0);
  const readOutbox = async (part: SagaPart) => {
    const status = await orNothing((part === 'wallet' ? wallet : giftCode).outboxStatus());
    if (status) {
      metrics.outboxUnpublished.set({ part }, status.unpublished);
      metrics.outboxLag.set({ part }, status.lagSeconds);
    } else {
      metrics.outboxUnpublished.remove({ part });
      metrics.outboxLag.remove({ part });
    }
  };
  const readDeliveries = async () => {
    const counts = await orNothing(countWebhookDeliveries(gateway));
    for (const state of ['pending', 'dead'] as const) {
      if (counts) metrics.webhookDeliveries.set({ state }, counts[state]);
      else metrics.webhookDeliveries.remove({ state });
    }
  };
  await Promise.all([readOutbox('gift-code'), readOutbox('wallet'), readDeliveries()]);
}

/** Nothing, where it fails or takes too long. */
const orNothing = <T>(reading: Promise<T>): Promise<T | undefined> =>
  within(
    TIMEOUT_MS,
    reading.catch(() => undefined),
  );

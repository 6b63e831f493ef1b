import { ping } from '../../../platform/part-operations.ts';
import { unavailable } from '../../../platform/problems.ts';
import { inTime } from '../../../platform/within.ts';
import type { Router } from '../../router.ts';
import type { Services } from '../../services.ts';

const TIMEOUT_MS = 2_000;

/** `/healthz`: the process runs. `/readyz`: what it cannot work without answers. Both are open. */
export function health(router: Router, services: Services): void {
  router.get('/healthz', (context) => {
    context.body = { status: 'ok' };
  });
  router.get('/readyz', async (context) => {
    const checks: Record<string, Promise<unknown>> = {
      gateway_database: ping(services.gateway, TIMEOUT_MS),
      gift_code_database: services.giftCode.ping(TIMEOUT_MS),
      wallet_database: services.wallet.ping(TIMEOUT_MS),
      temporal: inTime(TIMEOUT_MS, services.temporal.workflowService.getSystemInfo({})),
    };
    const results = await Promise.all(
      Object.entries(checks).map(
        async ([name, check]) =>
          [
            name,
            await check.then(
              () => 'ok',
              () => 'unavailable',
            ),
          ] as const,
      ),
    );
    const failed = results.filter(([, state]) => state !== 'ok').map(([name]) => name);
    if (failed.length > 0) {
      throw unavailable(`Not ready: ${failed.join(', ')}.`, { checks: Object.fromEntries(results) });
    }
    context.body = { status: 'ok', checks: Object.fromEntries(results) };
  });
}

import { timingSafeEqual } from 'node:crypto';
import { PassThrough } from 'node:stream';
import Koa, { type Context } from 'koa';
import rawBody from 'raw-body';
import { bearerKey, unauthorized } from '../api/http/authenticate.ts';
import { answerProblem } from '../api/http/problems.ts';
import { hashKey } from '../api/keys/key-text.ts';
import { createRouter } from '../api/router.ts';
import { isToBeTriedAgain, operationError } from '../platform/database-errors.ts';
import { newId } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import {
  ALIVE,
  ALIVE_EVERY_MS,
  OPERATIONS,
  readArguments,
  writeError,
  writeResult,
} from '../platform/part-messages.ts';
import { Problem, unavailable } from '../platform/problems.ts';

// biome-ignore lint/suspicious/noExplicitAny: whatever operations take
type Operations = Record<string, (...values: any[]) => Promise<unknown>>;

export interface PartAppOptions {
  /** Rejects while the part cannot work. */
  ready(): Promise<unknown>;
  metrics: Metrics;
  logger: Logger;
  /** What the part does for a gateway that has the key. */
  served?: { operations: Operations; key: string };
}

/** Room for the arguments of 100,000 codes and more. */
const MAX_ARGUMENTS = '64mb';

/** What a process says that runs a part by itself: how it is and, where it serves the part, the results of operations. */
export function createPartApp({ ready, metrics, logger, served }: PartAppOptions): Koa {
  const router = createRouter();
  router.get('/healthz', (context) => {
    context.body = { status: 'ok' };
  });
  router.get('/readyz', async (context) => {
    await ready().catch((error) => {
      throw unavailable(`Not ready: ${error.message}.`);
    });
    context.body = { status: 'ok' };
  });
  router.get('/metrics', async (context) => {
    context.set('Content-Type', metrics.registry.contentType);
    context.body = await metrics.registry.metrics();
  });
  if (served) {
    const keyHash = hashKey(served.key);
    router.on('POST', `${OPERATIONS}:name`, async (context) => {
      if (!timingSafeEqual(hashKey(bearerKey(context) ?? ''), keyHash)) throw unauthorized();
      await answerOperation(context, served.operations, logger);
    });
  }

  const app = new Koa();
  app.silent = true;
  app.use(async (context) => {
    const startedAt = performance.now();
    context.state.requestId = newId();
    context.set('Request-Id', context.state.requestId);
    context.res.once('close', () => {
      const { operation = 'other', failure } = context.state;
      const labels = { operation, status: failure ?? context.status };
      metrics.requests.observe(labels, (performance.now() - startedAt) / 1_000);
    });
    try {
      const handle = router.find(context);
      if (!handle) throw new Problem('not-found');
      await handle(context);
    } catch (error) {
      answerProblem(context, error, logger);
    }
  });
  return app;
}

async function answerOperation(context: Context, operations: Operations, logger: Logger): Promise<void> {
  const { name } = context.params as { name: string };
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (!operation) throw new Problem('not-found');
  context.state.operation = `POST ${OPERATIONS}${name}`;
  const values = await rawBody(context.req, { limit: MAX_ARGUMENTS })
    .then(readArguments)
    .catch((error) => {
      throw new Problem('invalid-request', { detail: `These are no arguments: ${error.message}.` });
    });
  const answer = new PassThrough();
  context.body = answer;
  const alive = setInterval(() => answer.write(ALIVE), ALIVE_EVERY_MS);
  const result = async () => writeResult(await operation(...values));
  result()
    .catch((error) => {
      const err = operationError(error);
      // An answer has begun by then, with status 200.
      context.state.failure = isToBeTriedAgain(err) ? 503 : 500;
      if (!isToBeTriedAgain(err)) logger.error({ err, operation: name }, 'unexpected error');
      return writeError(err);
    })
    .finally(() => clearInterval(alive))
    .then((message) => answer.end(message));
}

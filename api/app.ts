import { Router } from '@koa/router';
import Koa, { type Context } from 'koa';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { Problem } from '../platform/problems.ts';
import { createAuthenticate } from './middleware/authenticate.ts';
import { readJsonBody } from './middleware/body.ts';
import { idempotencyKey, waitSeconds } from './middleware/headers.ts';
import { answerProblems, invalidRequest } from './middleware/problems.ts';
import type { Operation } from './operation.ts';
import { operations } from './routes/index.ts';
import { docs } from './routes/system/docs.ts';
import { health } from './routes/system/health.ts';
import type { Services } from './services.ts';

/** The HTTP side of the gateway: every operation of `routes/`, behind authentication and validation. */
export function createApp(services: Services, adminKey: string, adminClientId: string): Koa {
  const authenticate = createAuthenticate(adminKey, adminClientId);
  const router = new Router({ exclusive: false, sensitive: true });
  const definitions = operations(services.config);
  for (const definition of definitions) {
    const path = definition.path.replace(/\{(\w+)\}/g, ':$1');
    router.register(path, [definition.method], (context: Context) => perform(definition, context, services));
  }
  health(router, services);
  docs(router, definitions);

  const app = new Koa({ proxy: false });
  app.silent = true;
  app.use(async (context, next) => {
    context.state.requestId = uuidv7();
    context.set('Request-Id', context.state.requestId);
    await next();
  });
  app.use(answerProblems(services.logger));
  app.use(async (context, next) => {
    // Before anything else, so that who has no key learns nothing of what exists.
    if (/^\/v1(\/|$)/i.test(context.path)) context.state.caller = authenticate(context);
    await next();
  });
  app.use(readJsonBody());
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}

async function perform(definition: Operation, context: Context, services: Services): Promise<void> {
  if (!context.state.caller) throw new Error('an operation was reached without a caller');
  const params = definition.params?.safeParse(context.params) ?? { success: true, data: {} };
  if (!params.success) throw new Problem('not-found');
  const answer = await definition.handle({
    params: params.data,
    query: check(definition.query ?? z.strictObject({}), context.query, '?'),
    body: definition.body ? check(definition.body, context.request.body ?? {}, '') : undefined,
    caller: context.state.caller,
    idempotencyKey: definition.idempotent ? idempotencyKey(context) : undefined,
    waitSeconds: waitSeconds(context),
    services,
  });
  context.status = answer.status;
  context.set(answer.headers ?? {});
  context.body = answer.body;
}

function check<T>(schema: z.ZodType<T>, input: unknown, where: string): T {
  const result = schema.safeParse(input);
  if (!result.success) throw invalidRequest(result.error, where);
  return result.data;
}

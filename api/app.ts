import { Router } from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { z } from 'zod';
import type { AuditTrail } from '../domains/gateway/write-audit-log.ts';
import { newId } from '../platform/ids.ts';
import type { Metrics } from '../platform/metrics.ts';
import { Problem } from '../platform/problems.ts';
import { audited } from './audited.ts';
import type { Guesser } from './guesses/guesses.ts';
import { authenticate } from './middleware/authenticate.ts';
import { type Body, readBody } from './middleware/body.ts';
import { idempotencyKey, waitSeconds } from './middleware/headers.ts';
import { answerProblems, invalidRequest } from './middleware/problems.ts';
import type { Caller, Operation, OperationRequest } from './operation.ts';
import { operations } from './routes/index.ts';
import { docs } from './routes/system/docs.ts';
import { health } from './routes/system/health.ts';
import { metrics } from './routes/system/metrics.ts';
import type { Services } from './services.ts';

/** The HTTP side of the gateway: every operation of `routes/`, behind authentication, scopes and validation. */
export function createApp(services: Services): Koa {
  const router = new Router({ exclusive: false, sensitive: true });
  const definitions = operations(services.config);
  for (const definition of definitions) {
    const path = definition.path.replace(/\{(\w+)\}/g, ':$1');
    router.register(path, [definition.method], [(context: Context) => answer(definition, context, services)]);
  }
  health(router, services);
  metrics(router, services);
  docs(router, definitions);

  const { proxies } = services.config;
  const app = new Koa({ proxy: proxies > 0, maxIpsCount: proxies });
  app.silent = true;
  app.use(async (context, next) => {
    context.state.requestId = newId();
    context.set('Request-Id', context.state.requestId);
    await next();
  });
  app.use(measure(services.metrics));
  app.use(answerProblems(services.logger));
  app.use(async (context, next) => {
    // Before anything else, so that who has no key learns nothing of what exists.
    if (/^\/v1(\/|$)/i.test(context.path)) {
      const caller = await authenticate(context, services.callers);
      await services.rateLimit.take(caller.clientId);
      context.state.caller = caller;
    }
    await next();
  });
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}

/** Outside of what turns errors into answers, so that it sees what was answered. */
function measure({ requests }: Metrics): Middleware {
  return async (context, next) => {
    const startedAt = performance.now();
    await next();
    const seconds = (performance.now() - startedAt) / 1000;
    requests.observe({ operation: context.state.operation ?? 'other', status: context.status }, seconds);
  };
}

async function answer(definition: Operation, context: Context, services: Services): Promise<void> {
  const { method, path, scope, ownScope } = definition;
  context.state.operation = `${method} ${path}`;
  const caller = callerOf(context);
  // Before anything is read or looked up, so that 403 says nothing about the request or about what exists.
  if (!caller.may(scope) && !(ownScope && caller.may(ownScope))) throw new Problem('forbidden');
  // Who is locked out by address or client is refused before anything is read.
  if (definition.takesCode) services.guesses.assertAllowed(guesserOf(context));
  const sent = await readBody(context, definition.csv ?? false);
  const request = readRequest(definition, context, caller, sent, services);
  const trail: AuditTrail = {
    clientId: caller.clientId,
    keyId: caller.keyId,
    requestId: context.state.requestId,
    remoteAddress: context.ip,
  };
  const { status, headers, body } = await audited(services, trail, definition.action, context.params, () =>
    definition.takesCode ? handleCode(definition, request, guesserOf(context)) : definition.handle(request),
  );
  context.status = status;
  context.set(headers ?? {});
  context.body = body;
}

const NOTHING = z.strictObject({});

/** @throws Problem for what is not as the operation's schemas say */
function readRequest(
  definition: Operation,
  context: Context,
  caller: Caller,
  { json, csv }: Body,
  services: Services,
): OperationRequest<unknown, unknown, unknown> {
  const params = definition.params?.safeParse(context.params) ?? { success: true, data: {} };
  if (!params.success) throw new Problem('not-found');
  const hasJson = definition.method !== 'GET' && csv === undefined;
  return {
    params: params.data,
    query: check(definition.query ?? NOTHING, context.query, '?'),
    body: hasJson ? check(definition.body ?? NOTHING, json, '') : undefined,
    csv,
    caller,
    idempotencyKey: definition.idempotent ? idempotencyKey(context) : undefined,
    waitSeconds: waitSeconds(context),
    services,
  };
}

/** Handles what takes a code. By now its phone is known, and others may have guessed while the body came. */
async function handleCode({ handle }: Operation, request: OperationRequest<unknown, unknown, unknown>, from: Guesser) {
  const { guesses } = request.services;
  const guesser = { ...from, phone: (request.body as { phone?: string }).phone };
  guesses.assertAllowed(guesser);
  try {
    const done = await handle(request);
    if (done.wrongCode) guesses.count(guesser, done.wrongCode);
    return done;
  } catch (error) {
    if (error instanceof Problem) guesses.count(guesser, error.code);
    throw error;
  }
}

const guesserOf = (context: Context): Guesser => ({ clientId: callerOf(context).clientId, address: context.ip });

function callerOf(context: Context): Caller {
  if (!context.state.caller) throw new Error('an operation was reached without a caller');
  return context.state.caller;
}

function check<T>(schema: z.ZodType<T>, input: unknown, where: string): T {
  const result = schema.safeParse(input);
  if (!result.success) throw invalidRequest(result.error, where);
  return result.data;
}

import { Router } from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { z } from 'zod';
import type { AuditTrail } from '../domains/gateway/write-audit-log.ts';
import { newId } from '../platform/ids.ts';
import { Problem } from '../platform/problems.ts';
import { audited } from './audited.ts';
import { authenticate } from './middleware/authenticate.ts';
import { readCsvOrJsonBody, readJsonBody } from './middleware/body.ts';
import { idempotencyKey, waitSeconds } from './middleware/headers.ts';
import { answerProblems, invalidRequest } from './middleware/problems.ts';
import type { Caller, Operation } from './operation.ts';
import { operations } from './routes/index.ts';
import { docs } from './routes/system/docs.ts';
import { health } from './routes/system/health.ts';
import type { Services } from './services.ts';

/** The HTTP side of the gateway: every operation of `routes/`, behind authentication, scopes and validation. */
export function createApp(services: Services): Koa {
  const router = new Router({ exclusive: false, sensitive: true });
  const definitions = operations(services.config);
  for (const definition of definitions) {
    const path = definition.path.replace(/\{(\w+)\}/g, ':$1');
    const readBody = definition.csv ? readCsvOrJsonBody : readJsonBody;
    router.register(
      path,
      [definition.method],
      [authorize(definition), readBody, (context: Context) => perform(definition, context, services)],
    );
  }
  health(router, services);
  docs(router, definitions);

  const app = new Koa({ proxy: false });
  app.silent = true;
  app.use(async (context, next) => {
    context.state.requestId = newId();
    context.set('Request-Id', context.state.requestId);
    await next();
  });
  app.use(answerProblems(services.logger));
  app.use(async (context, next) => {
    // Before anything else, so that who has no key learns nothing of what exists.
    if (/^\/v1(\/|$)/i.test(context.path)) context.state.caller = await authenticate(context, services.callers);
    await next();
  });
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}

/** Before anything is read or looked up, so that 403 says nothing about the request or about what exists. */
function authorize({ scope, ownScope }: Operation): Middleware {
  return async (context, next) => {
    const caller = callerOf(context);
    if (!caller.may(scope) && !(ownScope && caller.may(ownScope))) throw new Problem('forbidden');
    await next();
  };
}

const NOTHING = z.strictObject({});

async function perform(definition: Operation, context: Context, services: Services): Promise<void> {
  const caller = callerOf(context);
  const params = definition.params?.safeParse(context.params) ?? { success: true, data: {} };
  if (!params.success) throw new Problem('not-found');
  const csv: string | undefined = context.state.csv;
  const hasJson = definition.method !== 'GET' && csv === undefined;
  const request = {
    params: params.data,
    query: check(definition.query ?? NOTHING, context.query, '?'),
    body: hasJson ? check(definition.body ?? NOTHING, context.state.body, '') : undefined,
    csv,
    caller,
    idempotencyKey: definition.idempotent ? idempotencyKey(context) : undefined,
    waitSeconds: waitSeconds(context),
    services,
  };
  const trail: AuditTrail = {
    clientId: caller.clientId,
    keyId: caller.keyId,
    requestId: context.state.requestId,
    remoteAddress: context.ip,
  };
  const answer = await audited(services, trail, definition.action, context.params, () => definition.handle(request));
  context.status = answer.status;
  context.set(answer.headers ?? {});
  context.body = answer.body;
}

function callerOf(context: Context): Caller {
  if (!context.state.caller) throw new Error('an operation was reached without a caller');
  return context.state.caller;
}

function check<T>(schema: z.ZodType<T>, input: unknown, where: string): T {
  const result = schema.safeParse(input);
  if (!result.success) throw invalidRequest(result.error, where);
  return result.data;
}

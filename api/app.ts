import Koa, { type Context } from 'koa';
import { z } from 'zod';
import type { AuditTrail } from '../domains/gateway/write-audit-log.ts';
import { newId } from '../platform/ids.ts';
import { Problem } from '../platform/problems.ts';
import { audited, auditRead } from './audited.ts';
import type { Guesser } from './guesses/guesses.ts';
import { authenticate } from './http/authenticate.ts';
import { type Body, readBody } from './http/body.ts';
import { idempotencyKey, waitSeconds } from './http/headers.ts';
import { answerProblem, invalidRequest } from './http/problems.ts';
import type { Caller, Change, Operation, OperationRequest } from './operation.ts';
import { createRouter, type Router } from './router.ts';
import { operations } from './routes/index.ts';
import { docs } from './routes/system/docs.ts';
import { health } from './routes/system/health.ts';
import { metrics } from './routes/system/metrics.ts';
import type { Services } from './services.ts';
import { turns } from './turns.ts';

/** Of a crowd's requests so many begin in a turn of the event loop; see docs/performance.md. */
const REQUESTS_A_TURN = 64;

/** The HTTP side of the gateway: every operation of `routes/`, behind authentication, scopes and validation. */
export function createApp(services: Services): Koa {
  const router = createRouter();
  const definitions = operations(services.config);
  for (const definition of definitions) {
    const path = definition.path.replace(/\{(\w+)\}/g, ':$1');
    router.on(definition.method, path, (context) => answer(definition, context, services));
  }
  health(router, services);
  metrics(router, services);
  docs(router, definitions);

  const { proxies } = services.config;
  const app = new Koa({ proxy: proxies > 0, maxIpsCount: proxies });
  app.silent = true;
  const turn = turns(REQUESTS_A_TURN);
  // One function, not a chain of middleware, whose links each cost a frame and promises. See docs/adr/0016.
  app.use(async (context) => {
    const startedAt = performance.now();
    const place = turn();
    if (place) await place;
    context.state.requestId = newId();
    context.set('Request-Id', context.state.requestId);
    try {
      const handle = router.find(context);
      if (handle) await handle(context);
      else await answerWithout(context, router, services);
    } catch (error) {
      answerProblem(context, error, services.logger);
    }
    const labels = { operation: context.state.operation ?? 'other', status: context.status };
    services.metrics.requests.observe(labels, (performance.now() - startedAt) / 1_000);
  });
  return app;
}

/** For what no handler is for. @throws Problem: that the key is wrong before all else, so that who has none learns nothing */
async function answerWithout(context: Context, router: Router, services: Services): Promise<void> {
  if (/^\/v1(\/|$)/i.test(context.path)) await admit(context, services);
  const methods = router.methodsOf(context.path);
  if (methods.length === 0) throw new Problem('not-found');
  context.set('Allow', methods.join(', '));
  if (context.method !== 'OPTIONS') throw new Problem('method-not-allowed');
  context.status = 204;
}

/** Tells who calls, and takes the request off its share. @throws Problem `unauthorized`, `rate-limited` */
async function admit(context: Context, { callers, rateLimit }: Services): Promise<Caller> {
  const caller = await authenticate(context, callers);
  if (rateLimit) await rateLimit.take(caller.clientId);
  return caller;
}

async function answer(definition: Operation, context: Context, services: Services): Promise<void> {
  const { method, path, scope, ownScope, action } = definition;
  context.state.operation = `${method} ${path}`;
  // Phones, codes and keys are for who asked, and for now.
  context.set('Cache-Control', 'no-store');
  const caller = await admit(context, services);
  // Before anything is read or looked up, so that 403 says nothing about the request or about what exists.
  if (!caller.may(scope) && !(ownScope && caller.may(ownScope))) throw new Problem('forbidden');
  const guesser = definition.takesCode ? { clientId: caller.clientId, address: context.ip } : undefined;
  // Who is locked out by address or client is refused before anything is read.
  if (guesser) services.guesses.assertAllowed(guesser);
  const sent = await readBody(context, definition.csv ?? false);
  const request = readRequest(definition, context, caller, sent, services);
  if (definition.waits && request.waitSeconds !== undefined)
    context.set('Preference-Applied', `wait=${request.waitSeconds}`);
  const perform = (change: Change) =>
    guesser ? handleCode(definition, request, change, guesser) : definition.handle(request, change);
  const trail: AuditTrail = {
    clientId: caller.clientId,
    keyId: caller.keyId,
    requestId: context.state.requestId,
    remoteAddress: context.ip,
  };
  const done = action ? await audited(services, trail, action, context.params, perform) : await perform(asItIs);
  // What a read reveals is written down before it is shown; to HEAD nothing is.
  if (!action && done.audit && context.method !== 'HEAD') await auditRead(services, trail, done.audit);
  context.status = done.status;
  context.set(done.headers ?? {});
  if (done.replayed) context.set('Idempotent-Replayed', 'true');
  if (done.status === 202) context.set('Retry-After', '1');
  context.body = done.body;
}

const asItIs: Change = (change) => change;
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
async function handleCode(
  { handle }: Operation,
  request: OperationRequest<unknown, unknown, unknown>,
  change: Change,
  from: Guesser,
) {
  const { guesses } = request.services;
  const guesser = { ...from, phone: (request.body as { phone?: string }).phone };
  guesses.assertAllowed(guesser);
  try {
    const done = await handle(request, change);
    if (done.wrongCode) guesses.count(guesser, done.wrongCode);
    return done;
  } catch (error) {
    if (error instanceof Problem) guesses.count(guesser, error.code);
    throw error;
  }
}

function check<T>(schema: z.ZodType<T>, input: unknown, where: string): T {
  const result = schema.safeParse(input);
  if (!result.success) throw invalidRequest(result.error, where);
  return result.data;
}

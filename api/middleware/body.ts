import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import { Problem } from '../../platform/problems.ts';

const LIMIT = '1mb';

/** Reads JSON bodies. @throws Problem `payload-too-large`, `unsupported-media-type`, `invalid-request` */
export function readJsonBody(): Middleware {
  const parse = bodyParser({
    enableTypes: ['json'],
    jsonLimit: LIMIT,
    jsonStrict: true,
    parsedMethods: ['POST', 'PUT', 'PATCH', 'DELETE'],
    onError(error) {
      const { status } = error as Error & { status?: number };
      if (status === 413) throw new Problem('payload-too-large', { detail: `The request is larger than ${LIMIT}.` });
      if (status === 415) throw new Problem('unsupported-media-type');
      throw new Problem('invalid-request', { members: { errors: [{ pointer: '', detail: 'is not valid JSON' }] } });
    },
  });
  return async (context, next) => {
    if (hasBody(context) && !context.is('application/json', '+json')) {
      throw new Problem('unsupported-media-type', { detail: 'Send application/json.' });
    }
    await parse(context, async () => {
      // What is not UTF-8 was read as U+FFFD: kept, it would not be what was sent.
      if (context.request.rawBody?.includes('\ufffd')) {
        throw new Problem('invalid-request', { members: { errors: [{ pointer: '', detail: 'is not valid UTF-8' }] } });
      }
      await next();
    });
  };
}

/** `request.is` answers null where there is no body. */
const hasBody = (context: Context) => context.request.is('*/*') !== null && context.request.length !== 0;

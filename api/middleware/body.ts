import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import { Problem } from '../../platform/problems.ts';

const JSON_LIMIT = '1mb';
const CSV_LIMIT = '16mb';

/**
 * Reads JSON bodies and, where they are taken, CSV as a text that is left in `state.csv`.
 * @throws Problem `payload-too-large`, `unsupported-media-type`, `invalid-request`
 */
export function readBody({ csv }: { csv: boolean }): Middleware {
  const parser = (type: 'json' | 'text', limit: string) =>
    bodyParser({
      enableTypes: [type],
      extendTypes: { text: ['text/csv'] },
      jsonLimit: limit,
      textLimit: limit,
      jsonStrict: true,
      parsedMethods: ['POST', 'PUT', 'PATCH', 'DELETE'],
      onError(error) {
        const { status } = error as Error & { status?: number };
        if (status === 413) throw new Problem('payload-too-large', { detail: `The request is larger than ${limit}.` });
        if (status === 415) throw new Problem('unsupported-media-type');
        throw invalidBody(type === 'json' ? 'is not valid JSON' : 'cannot be read');
      },
    });
  const parseJson = parser('json', JSON_LIMIT);
  const parseCsv = parser('text', CSV_LIMIT);
  return async (context, next) => {
    const isCsv = csv && hasBody(context) && isUtf8Csv(context);
    if (hasBody(context) && !isCsv && !context.is('application/json', '+json')) {
      throw new Problem('unsupported-media-type', {
        detail: csv ? 'Send application/json, or text/csv in UTF-8.' : 'Send application/json.',
      });
    }
    await (isCsv ? parseCsv : parseJson)(context, async () => {
      // What is not UTF-8 was read as U+FFFD: kept, it would not be what was sent.
      if (context.request.rawBody?.includes('\ufffd')) throw invalidBody('is not valid UTF-8');
      if (isCsv) context.state.csv = String(context.request.body);
      await next();
    });
  };
}

const invalidBody = (detail: string) =>
  new Problem('invalid-request', { members: { errors: [{ pointer: '', detail }] } });

/** `request.is` answers null where there is no body. */
const hasBody = (context: Context) => context.request.is('*/*') !== null && context.request.length !== 0;

const isUtf8Csv = (context: Context) => context.is('text/csv') && /^(utf-?8|us-ascii)?$/i.test(context.request.charset);

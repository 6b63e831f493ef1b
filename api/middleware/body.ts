import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Context, Next } from 'koa';
import rawBody from 'raw-body';
import { Problem } from '../../platform/problems.ts';

const LIMIT_BYTES = 1024 * 1024;
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json *(?:;|$)/i;
const DECODERS = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress } as const;
/** What is not UTF-8 is refused: read as U+FFFD and kept, it would not be what was sent. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads JSON bodies; none is as good as an empty object. @throws Problem `payload-too-large`, `unsupported-media-type`, `invalid-request` */
export async function readJsonBody(context: Context, next: Next): Promise<void> {
  context.state.body = {};
  if (hasBody(context)) {
    if (!JSON_TYPE.test(context.get('Content-Type'))) {
      throw new Problem('unsupported-media-type', { detail: 'Send application/json.' });
    }
    context.state.body = parse(await read(context));
  }
  await next();
}

const hasBody = ({ headers }: Context) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

async function read({ req, headers }: Context): Promise<Buffer> {
  const coding = headers['content-encoding'];
  const length = coding ? undefined : headers['content-length'];
  try {
    return await rawBody(coding ? decoded(req, coding) : req, { limit: LIMIT_BYTES, ...(length && { length }) });
  } catch (error) {
    if (error instanceof Problem) throw error;
    const { type } = error as Error & { type?: string };
    if (type !== 'entity.too.large') throw unreadable('cannot be read');
    throw new Problem('payload-too-large', { detail: 'The request is larger than 1 MiB.' });
  }
}

function decoded(stream: Readable, coding: string): Readable {
  const createDecoder = Object.entries(DECODERS).find(([name]) => name === coding)?.[1];
  if (!createDecoder) throw new Problem('unsupported-media-type', { detail: 'Send it plain, or with gzip.' });
  // What goes wrong on the way ends the decoder, whose reader tells of it.
  return pipeline(stream, createDecoder(), () => undefined);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (error) {
    throw unreadable(error instanceof SyntaxError ? 'is not valid JSON' : 'is not valid UTF-8');
  }
}

const unreadable = (detail: string) =>
  new Problem('invalid-request', { members: { errors: [{ pointer: '', detail }] } });

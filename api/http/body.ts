import { finished, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Context } from 'koa';
import rawBody from 'raw-body';
import { Problem } from '../../platform/problems.ts';

const MIB = 1024 * 1024;
const JSON_MIB = 1;
/** Room for 100,000 codes and more. */
const CSV_MIB = 16;
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json *(?:;|$)/i;
const CSV_TYPE = /^text\/csv *(?:;|$)/i;
const CHARSET = /; *charset *= *"?([^"; ]*)/i;
const DECODERS = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress } as const;
/** What is not UTF-8 is refused: read as U+FFFD and kept, it would not be what was sent. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Either of the two. */
export interface Body {
  json?: unknown;
  csv?: string;
}

/**
 * Reads a body of JSON, or of CSV where it may be that; none is as good as an empty object, or as no lines.
 * @throws Problem `payload-too-large`, `unsupported-media-type`, `invalid-request`
 */
export async function readBody(context: Context, mayBeCsv: boolean): Promise<Body> {
  const type = context.get('Content-Type');
  const isCsv = mayBeCsv && CSV_TYPE.test(type);
  if (!hasBody(context)) return isCsv ? { csv: '' } : { json: {} };
  if (!isCsv && !JSON_TYPE.test(type)) {
    throw new Problem('unsupported-media-type', { detail: `Send application/json${mayBeCsv ? ' or text/csv' : ''}.` });
  }
  if (!/^utf-?8$/i.test(CHARSET.exec(type)?.[1] ?? 'utf-8')) {
    throw new Problem('unsupported-media-type', {
      detail: `Send ${isCsv ? 'text/csv' : 'application/json'} in UTF-8.`,
    });
  }
  if (isCsv) return { csv: decode(await read(context, CSV_MIB)) };
  return { json: parse(await read(context, JSON_MIB)) };
}

const hasBody = ({ headers }: Context) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

async function read({ req, headers }: Context, limitMib: number): Promise<Buffer> {
  const coding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  const isPlain = coding === 'identity';
  const length = isPlain ? headers['content-length'] : undefined;
  const stream = isPlain ? req : decoded(req, coding);
  try {
    return await rawBody(stream, { limit: limitMib * MIB, ...(length && { length }) });
  } catch (error) {
    // The rest is let pass: nothing else can come on this connection before it.
    req.unpipe().resume();
    if (!isPlain) stream.destroy();
    if ((error as { type?: string }).type !== 'entity.too.large') throw unreadable('cannot be read');
    throw new Problem('payload-too-large', { detail: `The request is larger than ${limitMib} MiB.` });
  }
}

function decoded(stream: Readable, coding: string): Readable {
  const createDecoder = Object.entries(DECODERS).find(([name]) => name === coding)?.[1];
  if (!createDecoder) throw new Problem('unsupported-media-type', { detail: 'Send it plain, or with gzip.' });
  const decoder = createDecoder();
  // Not a `pipeline`: where it cannot be decoded, that would end the request before it is answered.
  finished(stream, (error) => error && decoder.destroy(error));
  return stream.pipe(decoder);
}

function parse(bytes: Buffer): unknown {
  const text = decode(bytes);
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable('is not valid JSON');
  }
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw unreadable('is not valid UTF-8');
  }
}

const unreadable = (detail: string) =>
  new Problem('invalid-request', { members: { errors: [{ pointer: '', detail }] } });

import type { Context } from 'koa';
import { Problem } from '../../platform/problems.ts';

/** The `Idempotency-Key`: 1 to 255 printable ASCII characters. @throws Problem `invalid-request` */
export function idempotencyKey(context: Context): string | undefined {
  const key = context.headers['idempotency-key'];
  if (key === undefined) return undefined;
  // Node joins those that come twice.
  const isOne =
    typeof key === 'string' && (!key.includes(',') || context.req.headersDistinct['idempotency-key']?.length === 1);
  if (isOne && /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw badHeader('Idempotency-Key', 'must be 1 to 255 printable ASCII characters, once');
}

/** How long what waits for an end does so where the client does not say. */
export const DEFAULT_WAIT_SECONDS = 5;

/** N of `Prefer: wait=N`, RFC 7240: whole seconds, 0 to 30. @throws Problem `invalid-request` */
export function waitSeconds(context: Context): number | undefined {
  const [, wait] = /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]*)"?/i.exec(context.get('Prefer')) ?? [];
  if (wait === undefined) return undefined;
  if (/^\d{1,2}$/.test(wait) && Number(wait) <= 30) return Number(wait);
  throw badHeader('Prefer', 'wait must be 0 to 30 seconds');
}

const badHeader = (header: string, detail: string) =>
  new Problem('invalid-request', { members: { errors: [{ pointer: header, detail }] } });

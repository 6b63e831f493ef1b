import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context } from 'koa';
import { Problem } from '../../platform/problems.ts';
import type { Caller } from '../operation.ts';

/** Tells who calls, by the bearer key. @throws Problem `unauthorized`, the same whatever is wrong */
export function createAuthenticate(adminKey: string, adminClientId: string): (context: Context) => Caller {
  const expected = sha256(adminKey);
  return (context) => {
    const [, key] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(context.get('Authorization')) ?? [];
    if (key === undefined || !timingSafeEqual(sha256(key), expected)) {
      throw new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="vouchsafe"' } });
    }
    return { clientId: adminClientId };
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();

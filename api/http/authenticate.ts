import type { Context } from 'koa';
import { Problem } from '../../platform/problems.ts';
import type { Callers } from '../keys/callers.ts';
import type { Caller } from '../operation.ts';

/** Tells who calls, by the bearer key. @throws Problem `unauthorized`, the same whatever is wrong */
export function authenticate(context: Context, callers: Callers): Caller | Promise<Caller> {
  const key = bearerKey(context);
  const caller = key === undefined ? undefined : callers.of(key);
  return caller instanceof Promise ? caller.then(orRefuse) : orRefuse(caller);
}

/** The key that a request has, where it has one. */
export const bearerKey = (context: Context): string | undefined =>
  /^Bearer ([\x21-\x7e]{1,200})$/i.exec(context.get('Authorization'))?.[1];

function orRefuse(caller: Caller | undefined): Caller {
  if (caller) return caller;
  throw unauthorized();
}

export const unauthorized = (): Problem =>
  new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="vouchsafe"' } });

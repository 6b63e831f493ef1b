import type { Context } from 'koa';
import { Problem } from '../../platform/problems.ts';
import type { Callers } from '../keys/callers.ts';
import type { Caller } from '../operation.ts';

/** Tells who calls, by the bearer key. @throws Problem `unauthorized`, the same whatever is wrong */
export function authenticate(context: Context, callers: Callers): Caller | Promise<Caller> {
  const [, key] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(context.get('Authorization')) ?? [];
  const caller = key === undefined ? undefined : callers.of(key);
  return caller instanceof Promise ? caller.then(orRefuse) : orRefuse(caller);
}

function orRefuse(caller: Caller | undefined): Caller {
  if (caller) return caller;
  throw new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="vouchsafe"' } });
}

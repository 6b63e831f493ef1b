import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { Context } from 'koa';
import type { ZodError } from 'zod';
import { isToBeTriedAgain, lacksKey, operationError } from '../../platform/database-errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { Problem, problems, unavailable } from '../../platform/problems.ts';

/** Answers what was thrown, whatever it is, as an RFC 9457 problem. Never a stack, never a detail of ours. */
export function answerProblem(context: Context, error: unknown, logger: Logger): void {
  const { code, status, options } = asProblem(error);
  if (status === 500) {
    logger.error({ err: operationError(error), request_id: context.state.requestId }, 'unexpected error');
  }
  context.status = status;
  context.set(options.headers ?? {});
  context.body = {
    type: `${context.protocol}://${context.host}/errors/${code}`,
    title: problems[code][1],
    status,
    code,
    ...(options.detail !== undefined && { detail: options.detail }),
    ...options.members,
  };
  context.type = 'application/problem+json';
}

/** The problem that says it of what was thrown: `internal-error` where nobody foresaw it. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const error = operationError(thrown);
  if (isToBeTriedAgain(error)) {
    return unavailable(
      lacksKey(error) ? 'This process lacks a code key that is in use.' : 'A database does not answer.',
    );
  }
  const told = error instanceof ServiceError ? error.cause : error;
  if (isGrpcServiceError(told) && TEMPORAL_AWAY.has(told.code)) {
    return unavailable('Temporal does not answer.');
  }
  return new Problem('internal-error');
}

/** gRPC's CANCELLED, DEADLINE_EXCEEDED, PERMISSION_DENIED, UNAVAILABLE and UNAUTHENTICATED: an API key may have expired. */
const TEMPORAL_AWAY = new Set([1, 4, 7, 14, 16]);

/** @param where what the schema described: `` for the body, `?` for the query */
export function invalidRequest(error: ZodError, where: string): Problem {
  const errors = error.issues.flatMap((issue) => {
    const path = issue.path.map((key) => String(key).replaceAll('~', '~0').replaceAll('/', '~1'));
    const pointer = where === '' ? path.map((key) => `/${key}`).join('') : where + path.join('/');
    if (issue.code !== 'unrecognized_keys') return [{ pointer, detail: issue.message }];
    const separator = where === '' ? '/' : '';
    return issue.keys.map((key) => ({
      pointer: `${pointer}${separator}${key}`,
      detail: 'is not a member of this request',
    }));
  });
  return new Problem('invalid-request', { members: { errors } });
}

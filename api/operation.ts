import type { z } from 'zod';
import type { ProblemCode } from '../platform/problems.ts';
import type { Services } from './services.ts';

export type Scope = `${'redemptions' | 'groups' | 'wallets' | 'ops'}:${'read' | 'write'}` | 'codes:reveal';

export interface Caller {
  clientId: string;
}

export interface OperationRequest<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  caller: Caller;
  /** Sent as `Idempotency-Key`; only operations that take one see it. */
  idempotencyKey: string | undefined;
  /** Seconds that the client is ready to wait, by `Prefer: wait=N`. */
  waitSeconds: number | undefined;
  services: Services;
}

export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** One operation of the API: what it takes, what may go wrong, and what it does. */
export interface Operation<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With parameters as `{name}`. */
  path: string;
  summary: string;
  scope: Scope;
  params?: Params;
  query?: Query;
  body?: Body;
  /** Takes an `Idempotency-Key`. */
  idempotent?: boolean;
  /** Problems of its own, beside those that any operation has. */
  problems: readonly ProblemCode[];
  handle(request: OperationRequest<z.output<Params>, z.output<Query>, z.output<Body>>): Promise<Answer>;
}

/** Gives an operation's handler the types of its schemas. */
export function operation<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  definition: Operation<Params, Query, Body>,
): Operation {
  return definition as unknown as Operation;
}

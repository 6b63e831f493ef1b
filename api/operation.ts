import type { z } from 'zod';
import type { AuditAction, AuditEntry } from '../domains/gateway/write-audit-log.ts';
import type { ProblemCode } from '../platform/problems.ts';
import type { Scope } from './scopes.ts';
import type { Services } from './services.ts';

export interface Caller {
  clientId: string;
  /** None for the admin key. */
  keyId: string | null;
  /** Whether the caller's key has the scope, or one that includes it. */
  may(scope: Scope): boolean;
}

export interface OperationRequest<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The body where it was sent as CSV, and then there is no other; only operations that take it see it. */
  csv: string | undefined;
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
  /** From an earlier request, which this one repeats. */
  replayed?: boolean;
  /** What was changed, or revealed; nothing where nothing was. */
  audit?: AuditEntry | undefined;
  /** Of an operation that takes a code and answers, instead of refusing, that it is wrong. */
  wrongCode?: 'code-malformed' | 'code-not-found' | undefined;
}

/**
 * Waits for the change that an operation is for, begun just now. Where something does not answer while it is made, or
 * afterwards, the answer is that the outcome is not known, not that nothing has happened.
 */
export type Change = <T>(change: Promise<T>) => Promise<T>;

/** JSON of a schema, CSV, or no body. */
export type AnswerSchema = z.ZodType | 'csv' | 'nothing';

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
  /** With this scope instead, the operation is for what the caller's own client made, and its handler sees to that. */
  ownScope?: Scope;
  /** What this does to what is kept account of. A redemption is a record of its own, and is not in the audit log. */
  action?: AuditAction;
  params?: Params;
  query?: Query;
  body?: Body;
  /** Takes a code in its body: wrong ones are counted, and whoever sends too many is locked out. */
  takesCode?: boolean;
  /** Takes text/csv as well as JSON. */
  csv?: boolean;
  /** Takes an `Idempotency-Key`. */
  idempotent?: boolean;
  /** Waits for the end of what it begins or reads, as long as `Prefer: wait=N` says. */
  waits?: boolean;
  /** Headers that its answers may have, beside those that follow from what else is said here. */
  sends?: readonly ('Location' | 'Server-Timing' | 'Content-Disposition')[];
  /** What it answers, by status. */
  answers: Partial<Record<200 | 201 | 202 | 204, AnswerSchema>>;
  /** Problems of its own, beside those that any operation has. */
  problems: readonly ProblemCode[];
  /** @param change does what the operation has an `action` for: see `Change` */
  handle(request: OperationRequest<z.output<Params>, z.output<Query>, z.output<Body>>, change: Change): Promise<Answer>;
}

/** Gives an operation's handler the types of its schemas. */
export function operation<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  definition: Operation<Params, Query, Body>,
): Operation {
  return definition as unknown as Operation;
}

import { Context } from '@temporalio/activity';
import { STATEMENT_SHARE } from '../platform/database.ts';

/**
 * How long a statement may take within the attempt that is running: a fifth less than its start-to-close time-out, so that,
 * unless it had to wait for a connection, it is over before the attempt is given up. Milliseconds.
 */
export function statementLimitMs(): number {
  return Context.current().info.startToCloseTimeoutMs * STATEMENT_SHARE;
}

/** The id of the workflow an activity works for, as the rows keep it. */
export function workflowId(): string {
  return Context.current().info.workflowExecution?.workflowId ?? 'none';
}

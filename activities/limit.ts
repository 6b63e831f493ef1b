import { Context } from '@temporalio/activity';

/**
 * How long a statement may take within the attempt that is running: a fifth less than what is left of its start-to-close
 * time-out, so that the statement is over, one way or the other, before the attempt is given up. Milliseconds.
 */
export function statementLimitMs(): number {
  return Context.current().info.startToCloseTimeoutMs * 0.8;
}

/** The id of the workflow an activity works for, as the rows keep it. */
export function workflowId(): string {
  return Context.current().info.workflowExecution?.workflowId ?? 'none';
}

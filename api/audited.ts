import { v7 as uuidv7 } from 'uuid';
import {
  type AuditEntry,
  type AuditTrail,
  settleAuditIntent,
  writeAuditIntent,
} from '../domains/gateway/write-audit-log.ts';
import { ContentionError, DatabaseUnavailable, databaseError } from '../platform/database-errors.ts';
import { isUuid } from '../platform/ids.ts';
import { Problem } from '../platform/problems.ts';
import type { Answer } from './operation.ts';
import type { Services } from './services.ts';

/**
 * Does what changes something between two writes of the audit log: before, that it is about to be done; after, what was
 * done, or nothing where nothing was. So nothing happens that leaves no trace, and the answer is never untrue: when the
 * second write fails, the first one stands, as of unknown outcome. See docs/adr/0007.
 *
 * @throws DatabaseUnavailable when the first write fails: nothing has happened
 */
export async function audited(
  { gateway, logger }: Services,
  trail: AuditTrail,
  action: AuditEntry['action'],
  params: Record<string, string>,
  act: () => Promise<Answer>,
): Promise<Answer> {
  const named = params.id ?? params.wallet;
  const type = action.slice(0, action.indexOf('.')) as AuditEntry['resource']['type'];
  const intended = { action, resource: { type, id: named !== undefined && isUuid(named) ? named : null } };
  const intentId = uuidv7();
  await writeAuditIntent(gateway, intentId, trail, intended);
  const settle = (entry: AuditEntry | undefined, outcome?: 'unknown') =>
    settleAuditIntent(gateway, intentId, trail, entry, outcome).catch((error: unknown) =>
      logger.error({ err: error, ...trail, ...entry }, 'the audit log could not be written'),
    );

  const answer = await act().catch(async (error: unknown) => {
    await (hasChangedNothing(error) ? settle(undefined) : settle(intended, 'unknown'));
    throw error;
  });
  await settle(answer.audit);
  return answer;
}

/** Writes down what a read reveals, before it is shown. @throws DatabaseUnavailable: then it is not shown */
export async function auditRevealed({ gateway }: Services, trail: AuditTrail, answer: Answer): Promise<void> {
  if (answer.audit) await settleAuditIntent(gateway, uuidv7(), trail, answer.audit);
}

function hasChangedNothing(thrown: unknown): boolean {
  if (thrown instanceof Problem) return thrown.status < 500 || thrown.code === 'unavailable';
  const error = databaseError(thrown);
  return error instanceof ContentionError || (error instanceof DatabaseUnavailable && !error.mayHaveHappened);
}

import {
  type AuditAction,
  type AuditEntry,
  type AuditTrail,
  keepAuditIntent,
  settleAuditIntent,
  writeAuditIntent,
} from '../domains/gateway/write-audit-log.ts';
import { ContentionError, DatabaseUnavailable, operationError } from '../platform/database-errors.ts';
import { isUuid, newId } from '../platform/ids.ts';
import { Problem } from '../platform/problems.ts';
import { asProblem } from './http/problems.ts';
import type { Answer, Change } from './operation.ts';
import type { Services } from './services.ts';

/** Well within the time after which one that is silent counts as lost. */
const ALIVE_EVERY_MS = 60_000;

/**
 * Performs what changes something, and keeps account of it. It is done between two writes of the audit log: before, that
 * it is about to be done; after, what was done, or nothing where nothing was. So nothing happens that leaves no trace, and
 * the answer is never untrue: when the second write fails, the first one stands, as of unknown outcome. See
 * docs/adr/0007.
 *
 * @param params of the path, which may name the resource
 * @throws DatabaseUnavailable when the first write fails: nothing has happened; Problem `outcome-unknown` where something
 * was away and the change may have been made
 */
export async function audited(
  { gateway, logger }: Services,
  trail: AuditTrail,
  action: AuditAction,
  params: Record<string, string>,
  perform: (change: Change) => Promise<Answer>,
): Promise<Answer> {
  const intentId = newId();
  const intended = { action, resource: resourceOf(action, params) };
  await writeAuditIntent(gateway, intentId, trail, intended);
  const settle = (entry: AuditEntry | undefined, outcome?: 'unknown') =>
    settleAuditIntent(gateway, intentId, trail, entry, outcome).catch((error: unknown) =>
      logger.error({ err: error, ...trail, ...entry }, 'the audit log could not be written'),
    );
  const alive = setInterval(() => keepAuditIntent(gateway, intentId).catch(() => undefined), ALIVE_EVERY_MS);
  let isBegun = false;
  let isMade = false;
  const change: Change = async (work) => {
    isBegun = true;
    const result = await work;
    isMade = true;
    return result;
  };
  const performed = perform(change).finally(() => clearInterval(alive));
  const answer = await performed.catch(async (error: unknown) => {
    if (isRefusal(error) || !isBegun || (!isMade && hasChangedNothing(error))) {
      await settle(undefined);
      throw error;
    }
    await settle(intended, 'unknown');
    const problem = asProblem(error);
    throw problem.code === 'unavailable' ? outcomeUnknown(problem) : error;
  });
  await settle(answer.audit);
  return answer;
}

/** Keeps account of what a read reveals, to be called before it is shown. @throws DatabaseUnavailable */
export function auditRead({ gateway }: Services, trail: AuditTrail, entry: AuditEntry): Promise<void> {
  return settleAuditIntent(gateway, newId(), trail, entry);
}

/** What the path says of it: a phone in it names nothing here. */
function resourceOf(action: AuditAction, params: Record<string, string>): AuditEntry['resource'] {
  const type = action.slice(0, action.indexOf('.')) as AuditEntry['resource']['type'];
  const named = params.id ?? params.wallet ?? '';
  return { type, id: isUuid(named) ? named : null };
}

const isRefusal = (error: unknown) => error instanceof Problem && error.status < 500;

function hasChangedNothing(thrown: unknown): boolean {
  if (thrown instanceof Problem) return thrown.code === 'unavailable';
  const error = operationError(thrown);
  return error instanceof ContentionError || (error instanceof DatabaseUnavailable && !error.mayHaveHappened);
}

const outcomeUnknown = ({ options: { detail } }: Problem) =>
  new Problem('outcome-unknown', {
    detail: `${detail} Look at what you wanted to change, or repeat the request with the same Idempotency-Key.`,
  });

import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import type { Config } from '../../platform/config.ts';
import { inTime } from '../../platform/within.ts';
import { partTaskQueues, sweepId } from '../../workflows/contracts.ts';
import { type Check, failed, ok, warning } from './check.ts';

const TIMEOUT_MS = 3_000;
const WORKFLOW_QUEUE = 1;
const ACTIVITY_QUEUE = 2;
const DAY_S = 86_400;
/** A poll takes a minute at most; Temporal names for longer who does not come any more. */
const POLLED_WITHIN_S = 70;
/** A sweep that is later than this many of its intervals did not run. */
const LATE_INTERVALS = 4;

/** What there is to say of Temporal: that it answers, who polls the task queues, and whether the sweeper runs. */
export async function temporalChecks(client: Client, { temporal, sweep }: Config, isApart: boolean): Promise<Check[]> {
  const startedAt = performance.now();
  try {
    const { serverVersion } = await inTime(TIMEOUT_MS, client.workflowService.getSystemInfo({}));
    const latencyMs = Math.round(performance.now() - startedAt);
    const starts = (apart: string) => (isApart ? `vouchsafe ${apart}` : 'npm start');
    const queues = Object.entries(partTaskQueues(temporal.taskQueue));
    return [
      ok('Temporal', `version ${serverVersion}, answers in ${latencyMs} ms`),
      ...(await Promise.all([
        retentionCheck(client, temporal.namespace),
        pollersCheck(client, temporal.taskQueue, WORKFLOW_QUEUE, starts('serve gateway')),
        ...queues.map(([part, queue]) => pollersCheck(client, queue, ACTIVITY_QUEUE, starts(`work ${part}`))),
        sweepCheck(client, sweepId(temporal.taskQueue), sweep.everyMs, starts('work gift-code')),
      ])),
    ];
  } catch (error) {
    return [
      failed(
        'Temporal',
        String(error),
        isApart
          ? 'Start Temporal, or correct TEMPORAL_ADDRESS.'
          : 'Start Temporal, or correct TEMPORAL_ADDRESS, and start again, which starts a private one.',
      ),
    ];
  }
}

async function retentionCheck(client: Client, namespace: string): Promise<Check> {
  const name = `Temporal namespace ${namespace}`;
  const { config } = await inTime(TIMEOUT_MS, client.workflowService.describeNamespace({ namespace }));
  const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY_S;
  const detail = `keeps histories for ${days} ${days === 1 ? 'day' : 'days'}`;
  if (days < 1) return warning(name, detail, 'Raise its retention: traces of redemptions are gone too soon.');
  return ok(name, detail);
}

async function pollersCheck(client: Client, taskQueue: string, taskQueueType: 1 | 2, starts: string): Promise<Check> {
  const name = `task queue ${taskQueue}`;
  const { namespace } = client.options;
  const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType };
  const { pollers } = await inTime(TIMEOUT_MS, client.workflowService.describeTaskQueue(request));
  const since = Date.now() / 1_000 - POLLED_WITHIN_S;
  const count = pollers?.filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) >= since).length ?? 0;
  if (count === 0) return failed(name, 'nobody polls it', `Start who does: ${starts}.`);
  return ok(name, `${count} polling`);
}

async function sweepCheck(client: Client, scheduleId: string, everyMs: number, starts: string): Promise<Check> {
  const name = 'sweeper';
  try {
    const { info, state } = await inTime(TIMEOUT_MS, client.schedule.getHandle(scheduleId).describe());
    if (state.paused)
      return failed(name, 'its schedule is paused', `temporal schedule toggle -s ${scheduleId} --unpause`);
    const last = info.recentActions.at(-1)?.takenAt;
    const since = last ?? info.createdAt;
    const detail = last ? `ran last at ${last.toISOString()}` : 'has not run yet';
    if (Date.now() - since.getTime() > LATE_INTERVALS * everyMs) {
      return failed(
        name,
        detail,
        `Look at the workflow ${scheduleId} in the Web UI: it should run every ${everyMs / 1000} s.`,
      );
    }
    return ok(name, detail);
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    return failed(name, 'its schedule is gone', `Start it again: ${starts} makes the schedule.`);
  }
}

import { type Client, ScheduleAlreadyRunning, type ScheduleOptions, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Config } from '../platform/config.ts';
import { partTaskQueues, sweepId } from '../workflows/contracts.ts';
import type { sweep } from '../workflows/sweep.ts';

/** Sees to it that the schedule of the sweeper exists, with the settings of this process. */
export async function startSweeping(client: Client, config: Config): Promise<void> {
  const { taskQueue } = config.temporal;
  const schedule: ScheduleOptions = {
    scheduleId: sweepId(taskQueue),
    spec: { intervals: [{ every: config.sweep.everyMs }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    action: {
      type: 'startWorkflow',
      workflowType: 'sweep' satisfies typeof sweep.name,
      workflowId: sweepId(taskQueue),
      taskQueue,
      args: [config.sweep.afterMs, partTaskQueues(taskQueue)['gift-code']],
      workflowExecutionTimeout: '10 minutes',
    },
  };
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(schedule.scheduleId).update((current) => ({ ...schedule, state: current.state }));
  }
}

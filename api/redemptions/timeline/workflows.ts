import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { refusalOfReversal, stuckOf } from '../own-workflow.ts';
import type { TimelineItem } from './item.ts';

/** A workflow's course in short: when it started, what it waits for, how it ended. Nothing where there is none. */
export async function workflowItems(client: Client, workflowId: string): Promise<TimelineItem[]> {
  try {
    const description = await client.workflow.getHandle(workflowId).describe();
    const { startTime, closeTime, status, type } = description;
    const item = (at: Date, what: string, detail: Record<string, unknown> = {}): TimelineItem => ({
      at,
      source: 'workflow',
      what,
      detail: { workflow_id: workflowId, ...detail },
    });
    const stuck = stuckOf(description.raw);
    const refusal = type === 'reverse' && status.name === 'COMPLETED' && (await refusalOfReversal(client, workflowId));
    const end = refusal ? `refused (${refusal})` : status.name.toLowerCase().replaceAll('_', ' ');
    return [
      item(startTime, `${type} started`),
      ...(stuck ? [item(new Date(), `${type} waits for ${stuck.step}`, { ...stuck })] : []),
      ...(closeTime ? [item(closeTime, `${type} ${end}`)] : []),
    ];
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}

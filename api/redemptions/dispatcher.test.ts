import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { expect, inject, test, vi } from 'vitest';
import type { StartBatch } from '../../activities/start-batch.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { forFile } from '../../test/harness.ts';
import type { RedemptionItem } from '../../workflows/contracts.ts';
import { createDispatcher } from './dispatcher.ts';
import { createEndings, type Endings } from './endings.ts';

const address = inject('servers').temporalAddress;
const connection = await forFile(Promise.resolve(Connection.lazy({ address })));

/** A dispatcher with one place for a batch, and what it asks Temporal for. */
function oneBatchAtOnce(startBatch: (endings: Endings) => StartBatch) {
  const metrics = createMetrics();
  const endings = createEndings(metrics);
  const client = new Client({ connection });
  const asked = vi.spyOn(client.workflow, 'getHandle');
  const limits = { batchMax: 1, batchesInFlight: 1, startTimeoutMs: 5_000, isApart: false };
  const target = { startBatch: startBatch(endings), client, address };
  const { dispatch, isBusy } = createDispatcher(target, endings, limits, metrics, () => undefined);
  return { redeem: () => dispatch(newItem()).redemption.ending, asked, isBusy };
}

const newItem = (): RedemptionItem => ({
  redemptionId: randomUUID(),
  codeId: randomUUID(),
  groupId: randomUUID(),
  walletId: randomUUID(),
  clientId: randomUUID(),
  at: 0,
});

/** As a worker of this process tells of a batch. */
function tellOf(endings: Endings, items: RedemptionItem[]): void {
  endings.took(
    items.map(({ redemptionId }) => redemptionId),
    'reserve',
    1,
  );
  for (const { redemptionId } of items) endings.ended(redemptionId, { outcome: 'refused', reason: 'code-expired' });
}

test('Temporal is not asked about a batch whose end is told by a worker here', async () => {
  const { redeem, asked } = oneBatchAtOnce((endings) => async (_, items) => {
    setImmediate(() => tellOf(endings, items));
    return true;
  });
  await Promise.all([redeem(), redeem(), redeem()]);
  expect(asked).not.toHaveBeenCalled();
});

test('a batch of which nothing is heard is asked for, and its place is free once its workflow is not open', async () => {
  const workflowIds: string[] = [];
  const { redeem, asked } = oneBatchAtOnce((endings) => async (workflowId, items) => {
    workflowIds.push(workflowId);
    if (workflowIds.length > 1) tellOf(endings, items);
    return true;
  });
  const unheard = redeem();
  expect(await redeem()).toEqual({ outcome: 'refused', reason: 'code-expired' });
  expect(asked.mock.calls).toEqual([[workflowIds[0]]]);
  expect(await unheard).toBe('unseen');
});

test('what has ended is not waited for, whoever did the work', async () => {
  const { redeem, isBusy } = oneBatchAtOnce(() => async () => true);
  const ends = Array.from({ length: 6 }, redeem);
  expect(isBusy()).toBe(true);
  await Promise.all(ends);
  expect(isBusy()).toBe(false);
});

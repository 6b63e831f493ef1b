import { Client, Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { startTemporal } from './temporal.ts';
import { stopped, temporaryFolder } from './testing/folder.ts';

test('a private Temporal keeps its workflows over a kill and knows our search attributes', {
  timeout: 120_000,
}, async () => {
  const directory = await temporaryFolder();
  const first = stopped(await startTemporal({ directory }));
  const before = await Connection.connect({ address: first.address });
  await new Client({ connection: before }).workflow.start('redeem', {
    taskQueue: 'nobody',
    workflowId: 'kept',
    searchAttributes: { VouchsafeStage: ['credit'], VouchsafeCodeGroup: ['group'] },
  });
  await before.close();
  await first.kill();
  const second = stopped(await startTemporal({ directory, port: first.port, uiPort: first.uiPort }));
  expect([second.address, second.webUiUrl]).toEqual([first.address, first.webUiUrl]);
  const after = await Connection.connect({ address: second.address });
  const description = await new Client({ connection: after }).workflow.getHandle('kept').describe();
  expect(description.searchAttributes).toMatchObject({ VouchsafeStage: ['credit'], VouchsafeCodeGroup: ['group'] });
  await after.close();
});

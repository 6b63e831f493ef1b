import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { expect, inject, test } from 'vitest';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const folder = fileURLToPath(new URL('histories/', import.meta.url));
const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();

/** Replays every stored history against workflows. @returns the names of those that do not fit */
async function misfits(code: string): Promise<string[]> {
  const histories = await Promise.all(
    files.map(async (file) => ({
      workflowId: file,
      history: historyFromJSON(JSON.parse(await readFile(folder + file, 'utf8'))),
    })),
  );
  const found: string[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle: { code, sourceMap: '' } },
    histories,
  )) {
    if (error) found.push(workflowId);
  }
  return found;
}

test('workflows that are open while a new version starts go on: every stored history replays', async () => {
  expect(files).toHaveLength(14);
  expect(await misfits(await readFile(inject('servers').workflowBundle, 'utf8'))).toEqual([]);
});

test('workflows with their steps in another order do not fit the histories', async () => {
  const workflowsPath = fileURLToPath(new URL('fixtures/reordered.ts', import.meta.url));
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  expect(await misfits(code)).toEqual(files);
});

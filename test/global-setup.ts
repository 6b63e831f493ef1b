import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPostgres, startTemporal } from '../platform/local/index.ts';
import { bundleWorkflows } from '../workers/workflow-bundle.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What all test files share: each makes databases, task queues and a NATS of its own. */
    servers: { postgresUrl: string; temporalAddress: string; temporalWebUi: string; workflowBundle: string };
  }
}

/** Starts the servers that test files share, in memory, and bundles the workflows once. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), 'vouchsafe-test-'));
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const started: { stop(): Promise<void> }[] = [];
  const tearDown = async () => {
    await Promise.all(started.map((server) => server.stop()));
    await rm(home, { recursive: true, force: true });
  };
  try {
    const postgres = await startPostgres({
      directory: join(home, 'postgres'),
      memory: true,
      parameters: { max_connections: '400' },
    });
    started.push(postgres);
    const temporal = await startTemporal({ directory: join(home, 'temporal'), memory: true, progress });
    started.push(temporal);
    const workflowBundle = join(home, 'workflows.js');
    await writeFile(workflowBundle, await bundleWorkflows());
    project.provide('servers', {
      postgresUrl: postgres.url,
      temporalAddress: temporal.address,
      temporalWebUi: temporal.webUiUrl,
      workflowBundle,
    });
    return tearDown;
  } catch (error) {
    await tearDown();
    throw error;
  }
}

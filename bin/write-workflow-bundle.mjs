// A process of its own for the bundler of workflows, see `cachedWorkflowBundle`: write-workflow-bundle.mjs FILE
import { load, prepare, run } from './prepare.mjs';

await prepare({ quiet: true });
const { main } = await load('workers/write-workflow-bundle.ts');
await run(main);

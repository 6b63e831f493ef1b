import { writeFile } from 'node:fs/promises';
import { bundleWorkflows } from './workflow-bundle.ts';

/** `tsx write-workflow-bundle.ts FILE`: a process of its own for the bundler, see `cachedWorkflowBundle`. */
const [, , file] = process.argv;
if (!file) throw new Error('the file to write is missing');
await writeFile(file, await bundleWorkflows());

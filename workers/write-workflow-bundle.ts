import { writeFile } from 'node:fs/promises';
import { bundleWorkflows } from './workflow-bundle.ts';

/** @param args the file to write */
export async function main([file]: string[]): Promise<void> {
  if (!file) throw new Error('the file to write is missing');
  await writeFile(file, await bundleWorkflows());
}

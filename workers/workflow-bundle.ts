import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { DATA_CONVERTER } from './temporal.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const NAME = /^workflows-[0-9a-f]{64}\.js$/;

/** The workflows, bundled for their sandbox. */
export async function bundleWorkflows(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(repository, 'workflows/index.ts'),
    payloadConverterPath: DATA_CONVERTER.payloadConverterPath,
    preloadModules: [join(repository, 'workflows/short-stacks.ts')],
    logger: new DefaultLogger('ERROR'),
  });
  return code;
}

/**
 * The bundled workflows, kept in a folder for as long as their sources and the SDK are the same. They are bundled by a
 * process of their own: the bundler takes two seconds and 150 MB, which a process that serves should not keep.
 */
export async function cachedWorkflowBundle(folder: string): Promise<string> {
  const name = `workflows-${await sourceDigest()}.js`;
  const path = join(folder, name);
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== undefined) return kept;

  await mkdir(folder, { recursive: true });
  const older = (await readdir(folder)).filter((file) => NAME.test(file));
  const unfinished = join(folder, `unfinished-${process.pid}.js`);
  const program = join(repository, 'bin/write-workflow-bundle.mjs');
  await promisify(execFile)(process.execPath, [program, unfinished]);
  await rename(unfinished, path);
  for (const file of older) await rm(join(folder, file), { force: true });
  return await readFile(path, 'utf8');
}

async function sourceDigest(): Promise<string> {
  const hash = createHash('sha256');
  const workflows = join(repository, 'workflows');
  const sources = (await readdir(workflows)).filter((file) => /\.c?[jt]s$/.test(file)).sort();
  for (const file of sources) hash.update(file).update(await readFile(join(workflows, file)));
  return hash.update(await readFile(join(repository, 'package-lock.json'))).digest('hex');
}

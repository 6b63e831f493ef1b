import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const file = join(resolve(import.meta.dirname), 'untimed-workflows.cjs');

/** Runs a script for longer than its time-out: in this thread, and in another one. Prints where the time-out ended it. */
const PROGRAM = `
  const { isMainThread, parentPort, Worker } = require('node:worker_threads');
  const { createContext, Script } = require('node:vm');
  const script = new Script('for (const end = now() + 1000; now() < end; );');
  let isTimed = false;
  try {
    script.runInContext(createContext({ now: Date.now }), { timeout: 1, displayErrors: true });
  } catch (error) {
    if (error.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    isTimed = true;
  }
  if (!isMainThread) parentPort.postMessage(isTimed);
  else
    new Worker(process.env.PROGRAM, { eval: true }).on('message', (isTimedThere) =>
      console.log(JSON.stringify([isTimed, isTimedThere])));`;

const timed = async (...flags: string[]) => {
  const env = { ...process.env, PROGRAM };
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', PROGRAM], { env });
  return JSON.parse(stdout);
};

test('scripts in threads, as those of workflows are, have no time-out; others keep theirs', async () => {
  expect(await timed()).toEqual([true, true]);
  expect(await timed('--require', file)).toEqual([true, false]);
});

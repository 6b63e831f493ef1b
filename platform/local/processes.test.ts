import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { identifySelf } from './lock.ts';
import { identify, type ProcessIdentity } from './process-identity.ts';
import { endLeftOver, startServer } from './processes.ts';
import { temporaryFolder } from './testing/folder.ts';

/** A process that does nothing, its identity, and a record that claims it as `recorded` says. */
async function recordedProcess(recorded: (identity: ProcessIdentity) => ProcessIdentity, owner: ProcessIdentity) {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 60_000)'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const identity = await identify(child.pid ?? 0);
  if (!identity) throw new Error('the process ended by itself');
  const record = join(await temporaryFolder(), 'record.json');
  await writeFile(record, JSON.stringify({ server: recorded(identity), owner }));
  return { child, identity, record };
}

const DEAD: ProcessIdentity = { pid: process.pid, startedAt: 'long ago', commandLine: 'node' };

test('a server left by a dead run is ended', async () => {
  const { child, record } = await recordedProcess((identity) => identity, DEAD);
  const exit = once(child, 'exit');
  await endLeftOver(record, 'Server');
  expect(await exit).toEqual([null, 'SIGKILL']);
});

test.each([
  ['start time', (identity: ProcessIdentity) => ({ ...identity, startedAt: 'earlier' })],
  ['command line', (identity: ProcessIdentity) => ({ ...identity, commandLine: 'postgres -D data' })],
])("a stranger with a server's old pid but another %s lives on", async (_, recorded) => {
  const { identity, record } = await recordedProcess(recorded, DEAD);
  await endLeftOver(record, 'Server');
  expect(await identify(identity.pid)).toEqual(identity);
});

test("a living run's server is left to it", async () => {
  const { identity, record } = await recordedProcess((found) => found, await identifySelf());
  await expect(endLeftOver(record, 'Server')).rejects.toThrow('already running');
  expect(await identify(identity.pid)).toEqual(identity);
});

test('a server that does not start is explained by the end of its log', async () => {
  const directory = await temporaryFolder();
  const files = { log: join(directory, 'log'), record: join(directory, 'record') };
  const args = ['-e', 'console.error("no such option"); process.exit(2)'];
  const command = { name: 'Server', program: process.execPath, args, stopSignal: 'SIGTERM' as const, ...files };
  await expect(startServer({ ...command, isReady: async () => false })).rejects.toThrow('no such option');
  await expect(startServer({ ...command, program: '/none', isReady: async () => true })).rejects.toThrow(
    'cannot be run',
  );
});

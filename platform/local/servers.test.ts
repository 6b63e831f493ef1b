import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { acquireHome } from './lock.ts';
import { LOOPBACK, rememberedPorts } from './ports.ts';
import { identify } from './process-identity.ts';
import { startServers } from './servers.ts';
import { SetUpError } from './set-up-error.ts';
import { stopped, temporaryFolder } from './testing/folder.ts';

/** Only NATS is started. */
const MOSTLY_GIVEN = {
  giftCodeDatabaseUrl: 'postgresql://g@db/g',
  walletDatabaseUrl: 'postgresql://w@db/w',
  gatewayDatabaseUrl: 'postgresql://o@db/o',
  redisUrl: 'redis://cache',
  temporalAddress: 'temporal:7233',
};
const progress = () => {};

describe('the private servers', { timeout: 180_000 }, () => {
  test('of two homes run side by side, and keep their addresses at the next start', async () => {
    const [one, two] = [await temporaryFolder(), await temporaryFolder()];
    const start = async (home: string) => stopped(await startServers({ home, memory: true, given: {}, progress }));
    const [first, second] = await Promise.all([start(one), start(two)]);
    const all = [...Object.values(first.urls), ...Object.values(second.urls)].filter((url) => url !== null);
    expect(new Set(all).size).toBe(all.length);
    await first.stop();
    expect((await start(one)).urls).toEqual(first.urls);
  });

  test('of a run that was killed are ended at the next start, which serves the same data', async () => {
    const home = await temporaryFolder();
    const run = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'testing', 'run.ts'), home], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void run.kill('SIGKILL'));
    const [told] = await once(run.stdout, 'data');
    const pids = Object.values(JSON.parse(String(told)) as Record<string, number>);
    const left = await Promise.all(pids.map(identify));
    expect(left).not.toContain(null);

    await expect(startServers({ home, given: {}, progress })).rejects.toThrow(`already running (pid ${run.pid})`);
    run.kill('SIGKILL');
    await once(run, 'exit');
    const next = stopped(await startServers({ home, given: {}, progress }));
    expect(await Promise.all(pids.map(identify))).not.toEqual(expect.arrayContaining(left));
    expect(Object.keys(next.pids).length).toBe(pids.length);
  });

  test('are only those without an address, and stopping touches no other', async () => {
    const servers = stopped(await startServers({ home: await temporaryFolder(), given: MOSTLY_GIVEN, progress }));
    expect(servers.urls).toMatchObject({
      walletDatabase: 'postgresql://w@db/w',
      temporal: 'temporal:7233',
      redis: 'redis://cache',
    });
    expect(Object.keys(servers.pids)).toEqual(['nats']);
  });

  test('move to another port when somebody has theirs, whom they leave alone', async () => {
    const home = await temporaryFolder();
    const first = stopped(await startServers({ home, given: MOSTLY_GIVEN, progress }));
    await first.stop();
    const { nats } = await rememberedPorts(join(home, 'ports.json'));
    const stranger = createServer().listen(nats, LOOPBACK);
    await once(stranger, 'listening');
    onTestFinished(() => void stranger.close());
    const second = stopped(await startServers({ home, given: MOSTLY_GIVEN, progress }));
    expect(second.urls.nats).not.toBe(first.urls.nats);
    expect(stranger.listening).toBe(true);
  });

  test('that end by themselves are told of, those that are stopped are not', async () => {
    const home = await temporaryFolder();
    const ends: string[] = [];
    let tell = () => {};
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const hear = (line: string) => {
      if (!line.includes('has ended')) return;
      ends.push(line);
      tell();
    };
    const start = async () => stopped(await startServers({ home, given: MOSTLY_GIVEN, progress: hear }));
    await (await start()).stop();
    const { nats = 0 } = (await start()).pids;
    process.kill(nats, 'SIGKILL');
    await told;
    expect(ends).toEqual([expect.stringContaining(`The private nats server (pid ${nats}) has ended`)]);
  });

  test('are not started with a broken address, and the message names the variable but not the password', async () => {
    const given = { ...MOSTLY_GIVEN, walletDatabaseUrl: 'mysql://w:secret@db/w' };
    const failed = await startServers({ home: await temporaryFolder(), given, progress }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(SetUpError);
    expect(String(failed)).toContain('WALLET_DATABASE_URL');
    expect(String(failed)).not.toContain('secret');
  });

  test('leave the home free when the start is given up', async () => {
    const home = await temporaryFolder();
    const given = MOSTLY_GIVEN;
    await expect(startServers({ home, given, progress, signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    await (await acquireHome(home)).release();
  });
});

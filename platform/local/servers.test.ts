import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { acquireHome } from './lock.ts';
import { LOOPBACK, rememberedPorts } from './ports.ts';
import { identify } from './process-identity.ts';
import { startServers } from './servers.ts';
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

  test('that end by themselves are started again at their address, each time, until they are stopped', async () => {
    const home = await temporaryFolder();
    const lines: string[] = [];
    let again = () => {};
    const options = {
      home,
      given: MOSTLY_GIVEN,
      progress: (line: string) => lines.push(line),
      restarted: () => again(),
    };
    const servers = stopped(await startServers(options));
    const pids = [servers.pids.nats ?? 0];
    for (let ends = 1; ends <= 2; ends++) {
      const restarted = new Promise<void>((resolve) => {
        again = resolve;
      });
      process.kill(pids.at(-1) ?? 0, 'SIGKILL');
      await restarted;
      pids.push(servers.pids.nats ?? 0);
    }
    expect(new Set(pids).size).toBe(3);
    expect(lines.filter((line) => line.includes('private nats'))).toEqual([
      expect.stringContaining(`(pid ${pids[0]}) has ended, and is started again`),
      expect.stringContaining(`runs again (pid ${pids[1]})`),
      expect.stringContaining(`(pid ${pids[1]}) has ended, and is started again`),
      expect.stringContaining(`runs again (pid ${pids[2]})`),
    ]);
    const port = Number(new URL(servers.urls.nats).port);
    const socket = connect(port, LOOPBACK);
    await once(socket, 'data');
    socket.destroy();

    await servers.stop();
    expect(await identify(pids.at(-1) ?? 0)).toBeNull();
    // Another may have the home now, and the address.
    const next = stopped(await startServers({ ...options, restarted: undefined }));
    expect(next.urls.nats).toBe(servers.urls.nats);
  });

  test('whose data was in memory are told of when they end, and not started again', async () => {
    let tell = (_line: string) => {};
    const told = new Promise<string>((resolve) => {
      tell = resolve;
    });
    const progress = (line: string) => line.includes('has ended') && tell(line);
    const home = await temporaryFolder();
    const servers = stopped(await startServers({ home, memory: true, given: MOSTLY_GIVEN, progress }));
    const { nats = 0 } = servers.pids;
    process.kill(nats, 'SIGKILL');
    expect(await told).toContain(`The private nats server (pid ${nats}) has ended, and its data with it`);
    await servers.stop();
    expect(servers.pids.nats).toBe(nats);
  });

  test('leave the home free when the start is given up', async () => {
    const home = await temporaryFolder();
    const given = MOSTLY_GIVEN;
    await expect(startServers({ home, given, progress, signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    await (await acquireHome(home)).release();
  });
});

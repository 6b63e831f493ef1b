import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import type { Release } from './download.ts';
import { goServerVariables, localEnvironment } from './environment.ts';
import { type ObtainOptions, obtain, type Tool } from './executables.ts';
import { memoryFolder } from './memory.ts';
import { LOOPBACK, withPort } from './ports.ts';
import { endLeftOver, type ServerOptions, type ServerProcess, startServer } from './processes.ts';

export interface NatsOptions extends ServerOptions, Partial<ObtainOptions> {
  /** Keeps the streams in memory and drops them at the end. */
  memory?: boolean | undefined;
}

export interface NatsServer extends ServerProcess {
  url: string;
  port: number;
}

const VERSION = '2.12.1';

/** Checksums: Linux and macOS as in cashapp/hermit-packages, Windows as in the official image's history (docker-library/repo-info). */
export const NATS: Tool = {
  title: 'NATS',
  program: 'nats-server',
  version: VERSION,
  releases: {
    'linux-x64': release('linux-amd64.tar.gz', 'a104163114e292f90233afd8cf2bd745d2f04d53948db987ad018735449a2232'),
    'linux-arm64': release('linux-arm64.tar.gz', '1e31b395fbe6443d54a70cedb3f66d6871525a7c9a9862ebdfeb55df7158ecc7'),
    'darwin-x64': release('darwin-amd64.tar.gz', '236d7c6fcadbe46740bc8f91c025ca16877e44d0e8bcdd90f977abc2c4950b67'),
    'darwin-arm64': release('darwin-arm64.tar.gz', 'a02a6dc5af61db99d64b843f7315d33515059c0bfe9a416b45ad616d580bec9c'),
    'win32-x64': release('windows-amd64.zip', '64d4702f31daa2560ba7a0291d2911b36fd6199277721f8ab2aae0d12eb2763e'),
  },
  goPackage: `github.com/nats-io/nats-server/v2@v${VERSION}`,
  homepage: 'https://docs.nats.io/running-a-nats-service/introduction/installation',
};

/**
 * Starts a private NATS server with JetStream on the loopback.
 * @throws SetUpError when it cannot be had or does not start; PortTaken when the port asked for is in use
 */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const { environment = localEnvironment(), progress = () => {}, signal } = options;
  const directory = resolve(options.directory);
  const record = options.record ?? join(directory, 'process.json');
  await endLeftOver(record, NATS.title);
  const program = await obtain(NATS, { environment, progress, signal });
  await mkdir(directory, { recursive: true });
  const temporary = options.memory ? await memoryFolder() : undefined;
  try {
    return await withPort(options.port, async (port) => {
      const name = `vouchsafe-${randomUUID()}`;
      const store = ['--jetstream', '--store_dir', temporary ?? directory];
      const server = await startServer({
        name: NATS.title,
        program,
        variables: goServerVariables(environment),
        args: ['--addr', LOOPBACK, '--port', String(port), '--name', name, ...store],
        stopSignal: 'SIGTERM',
        log: options.log ?? join(directory, 'nats.log'),
        record,
        temporary,
        isReady: async () => (await greeting(port)).includes(name),
      });
      return { ...server, url: `nats://${LOOPBACK}:${port}`, port };
    });
  } catch (error) {
    if (temporary) await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

function release(system: string, sha256: string): Release {
  const archive = `nats-server-v${VERSION}-${system}`;
  const program = system.startsWith('windows') ? 'nats-server.exe' : 'nats-server';
  return {
    url: `https://github.com/nats-io/nats-server/releases/download/v${VERSION}/${archive}`,
    sha256,
    member: `${archive.replace(/\.(tar\.gz|zip)$/, '')}/${program}`,
  };
}

/** What a NATS server says first: INFO and its name, among other things. */
function greeting(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: LOOPBACK, port });
    socket.setEncoding('utf8').setTimeout(1_000, () => socket.destroy(new Error('silent')));
    socket.once('data', (text: string) => {
      socket.destroy();
      resolve(text);
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

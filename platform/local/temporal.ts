import { mkdir } from 'node:fs/promises';
import { connect } from 'node:http2';
import { join, resolve } from 'node:path';
import type { Release } from './download.ts';
import { goServerVariables, localEnvironment } from './environment.ts';
import { type ObtainOptions, obtain, type Tool } from './executables.ts';
import { freePort, isFree, LOOPBACK, withPort } from './ports.ts';
import { endLeftOver, type ServerOptions, type ServerProcess, startServer } from './processes.ts';

export interface TemporalOptions extends ServerOptions, Partial<ObtainOptions> {
  /** The Web UI's port; without it, or when it is taken, a free one. */
  uiPort?: number | undefined;
  /** Keeps the workflows in memory and drops them at the end. */
  memory?: boolean | undefined;
}

export interface TemporalServer extends ServerProcess {
  /** host:port */
  address: string;
  port: number;
  webUiUrl: string;
  uiPort: number;
}

/** What operators search redemptions by, and its type. `docker/temporal-namespace.sh` registers the same. */
export const SEARCH_ATTRIBUTES = { VouchsafeStage: 'Keyword', VouchsafeCodeGroup: 'Keyword' } as const;

/** A server limits its callers as if many shared it; here one does. `docker/temporal-limits.yaml` sets the same. */
export const LIMITS = {
  'frontend.rps': 100_000,
  'frontend.namespaceRPS': 100_000,
  'frontend.namespaceRPS.visibility': 10_000,
  'history.rps': 100_000,
  'matching.rps': 100_000,
  'frontend.persistenceMaxQPS': 100_000,
  'history.persistenceMaxQPS': 100_000,
  'matching.persistenceMaxQPS': 100_000,
  // Lists are brought up to date ten times a second: a workflow that is over by then is written once, as closed.
  'history.visibilityProcessorMaxPollRPS': 10,
  // Else a workflow waits up to 50 ms for each of its tasks and activities.
  'history.transferProcessorMaxPollRPS': 1_000,
};

const VERSION = '1.5.1';

/** Checksums as in cashapp/hermit-packages; those for Linux also as in other projects' CI. None is known for Windows. */
const TEMPORAL: Tool = {
  title: "Temporal's command line",
  program: 'temporal',
  version: VERSION,
  releases: {
    'linux-x64': release('linux_amd64', 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d'),
    'linux-arm64': release('linux_arm64', 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5'),
    'darwin-x64': release('darwin_amd64', 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9'),
    'darwin-arm64': release('darwin_arm64', 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415'),
  },
  goPackage: `github.com/temporalio/cli/cmd/temporal@v${VERSION}`,
  homepage: 'https://docs.temporal.io/cli#install',
};

/**
 * Starts a private Temporal development server on the loopback, with our search attributes in the namespace `default`.
 * @throws SetUpError when it cannot be had or does not start; PortTaken when the port asked for is in use
 */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const { environment = localEnvironment(), progress = () => {}, signal } = options;
  const directory = resolve(options.directory);
  const record = options.record ?? join(directory, 'process.json');
  await endLeftOver(record, 'Temporal');
  const program = await obtain(TEMPORAL, { environment, progress, signal });
  await mkdir(directory, { recursive: true });
  return withPort(options.port, async (port) => {
    const uiPort = options.uiPort && (await isFree(options.uiPort)) ? options.uiPort : await freePort();
    const server = await startServer({
      name: 'Temporal',
      program,
      variables: goServerVariables(environment),
      args: startDev(port, uiPort, options.memory ? null : join(directory, 'temporal.sqlite')),
      stopSignal: 'SIGTERM',
      log: options.log ?? join(directory, 'temporal.log'),
      record,
      isReady: () => isServing(port),
    });
    const urls = { address: `${LOOPBACK}:${port}`, webUiUrl: `http://${LOOPBACK}:${uiPort}` };
    return { ...server, ...urls, port, uiPort };
  });
}

/** The arguments. The write-ahead log with `normal` doubles the rate, and a crash of the process alone loses nothing. */
function startDev(port: number, uiPort: number, file: string | null): string[] {
  const pragmas = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'];
  return [
    ...['server', 'start-dev', '--ip', LOOPBACK, '--port', String(port), '--ui-port', String(uiPort)],
    ...(file ? ['--db-filename', file, ...pragmas] : []),
    ...['--log-level', 'error', '--log-format', 'json'],
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...Object.entries(LIMITS).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
  ];
}

function release(system: string, sha256: string): Release {
  const url = `https://github.com/temporalio/cli/releases/download/v${VERSION}/temporal_cli_${VERSION}_${system}.tar.gz`;
  return { url, sha256, member: 'temporal' };
}

/** One call of gRPC's health service, by hand, as loading a gRPC library would take longer than the server's start. */
function isServing(port: number): Promise<boolean> {
  const service = Buffer.from('temporal.api.workflowservice.v1.WorkflowService');
  const request = Buffer.concat([Buffer.from([0, 0, 0, 0, service.length + 2, 0x0a, service.length]), service]);
  const serving = Buffer.from([0x08, 0x01]);
  return new Promise((resolve) => {
    const session = connect(`http://${LOOPBACK}:${port}`);
    const end = (answer: boolean) => {
      session.destroy();
      resolve(answer);
    };
    session.setTimeout(2_000, () => end(false));
    session.once('error', () => end(false));
    const call = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const received: Buffer[] = [];
    call.on('data', (chunk: Buffer) => received.push(chunk));
    call.once('error', () => end(false));
    call.once('end', () => end(Buffer.concat(received).subarray(5).equals(serving)));
    call.end(request);
  });
}

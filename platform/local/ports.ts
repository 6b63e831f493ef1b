import { randomInt } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { PortTaken, SetUpError } from './set-up-error.ts';

export const LOOPBACK = '127.0.0.1';

/** Below the range that systems take for outgoing connections, so that a remembered port is seldom gone at the next start. */
const FIRST = 20_000;
const LAST = 29_999;

/** A port of the loopback that nobody listens on now. Somebody may still be faster: see `withPort`. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(FIRST, LAST + 1);
    if (await isFree(port)) return port;
  }
  throw new SetUpError(`No free port between ${FIRST} and ${LAST} was found on ${LOOPBACK}.`);
}

/** Both checks count: macOS lets one listen on 127.0.0.1 although somebody listens on all addresses. */
export async function isFree(port: number): Promise<boolean> {
  return !(await answers(port)) && (await canListen(port));
}

/** Whether something accepts connections on this port of the loopback. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/**
 * Starts a server on the port asked for, or on a free one. A server that lost the race for its port is started again,
 * on another port where none was asked for.
 */
export async function withPort<T>(wanted: number | undefined, start: (port: number) => Promise<T>): Promise<T> {
  if (wanted !== undefined && !(await isFree(wanted))) throw new PortTaken(`Port ${wanted} of ${LOOPBACK} is in use.`);
  for (let tries = 1; ; tries++) {
    try {
      return await start(wanted ?? (await freePort()));
    } catch (error) {
      if (!(error instanceof PortTaken) || tries === 5) throw error;
    }
  }
}

/** The ports of a home's servers, in its ports.json, so that addresses stay the same from start to start. */
export async function rememberedPorts(file: string): Promise<Record<string, number>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, number>;
  } catch {
    return {};
  }
}

/** Writes what `rememberedPorts` reads. */
export async function rememberPorts(file: string, ports: Record<string, number>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(ports, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: LOOPBACK, port }, () => server.close(() => resolve(true)));
  });
}

import { accessSync, constants, createWriteStream, existsSync, rmSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Cli } from './cli.ts';
import { path } from './client.ts';
import { CliError, EXIT, usageError } from './errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Finds out that a file cannot be written before codes are made for it. @throws CliError */
export function requireNewFile(file: string): void {
  if (existsSync(file)) throw usageError(`${file} exists already`);
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch {
    throw usageError(`${file} cannot be written there`);
  }
}

/**
 * Writes a group's codes as CSV to a file that only its owner may read: a code is money. The file appears when it is
 * whole. @throws CliError
 */
export async function downloadCodes(cli: Cli, groupId: string, file: string): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  const letGo = removeOnSignal(part);
  try {
    await pipeline(await codesOf(cli, groupId), createWriteStream(part, { flags: 'wx', mode: 0o600 }));
    await rename(part, file);
  } catch (error) {
    throw failed(`the codes of group ${groupId} are not in ${file}`, error);
  } finally {
    await rm(part, { force: true });
    letGo();
  }
  cli.note(`wrote ${file}`);
}

/** Writes a group's codes as CSV to standard output. @throws CliError */
export async function printCodes(cli: Cli, groupId: string): Promise<void> {
  try {
    await cli.pass(await codesOf(cli, groupId));
  } catch (error) {
    throw failed(`not all codes of group ${groupId} were written`, error);
  }
}

async function codesOf(cli: Cli, groupId: string): Promise<Readable> {
  const csv = await cli.client().stream(path`/v1/code-groups/${groupId}/codes.csv`);
  return Readable.fromWeb(csv as ReadableStream);
}

function failed(what: string, error: unknown): CliError {
  const exitCode = error instanceof CliError ? error.exitCode : EXIT.unavailable;
  return new CliError(exitCode, `${what}: ${error instanceof Error ? error.message : String(error)}`);
}

/** Leaves no part of a file behind when the process is told to end. @returns how to let go of it */
function removeOnSignal(file: string): () => void {
  const remove = (signal: NodeJS.Signals) => {
    letGo();
    rmSync(file, { force: true });
    process.kill(process.pid, signal);
  };
  const letGo = () => {
    for (const signal of SIGNALS) process.off(signal, remove);
  };
  for (const signal of SIGNALS) process.on(signal, remove);
  return letGo;
}

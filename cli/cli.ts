import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Presets, SingleBar } from 'cli-progress';
import type { CliSettings } from '../platform/config-client.ts';
import { type Client, createClient } from './client.ts';
import { CliError, EXIT, usageError } from './errors.ts';
import { createOutput, type Output } from './output.ts';

/** The streams and settings a run of the CLI is given. */
export interface Surroundings {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
  /** Called when a command needs the server, so that help works without one. @throws SettingsError */
  settings: () => CliSettings;
}

/** What a command works with. */
export type Cli = ReturnType<typeof createCli>;

export interface Question {
  question: string;
  /** Whether an answer fits; it comes trimmed, and may be empty. */
  check(text: string): boolean;
}

export interface JsonOption {
  json?: boolean;
}

export function createCli({ stdin, stdout, stderr, settings }: Surroundings) {
  const out: Output = createOutput(stdout);

  function client(): Client {
    return createClient(settings());
  }

  /** Prints an answer: with --json as it is, else as `render` lays it out. */
  function print<T>(options: JsonOption, answer: T, render: (out: Output, answer: T) => void): void {
    if (options.json) out.json(answer);
    else render(out, answer);
  }

  /** Writes data to standard output as it comes. */
  async function pass(data: Readable): Promise<void> {
    await pipeline(data, stdout, { end: false });
  }

  /** Tells something beside the data, on standard error. */
  function note(text: string): void {
    stderr.write(`${text}\n`);
  }

  /** Asks before something that cannot be taken back. @throws CliError unless the answer is yes */
  async function confirm(question: string, options: { yes?: boolean }): Promise<void> {
    if (options.yes) return;
    if (!stdin.isTTY) throw usageError('this asks first, and there is no terminal to ask on; add --yes');
    const prompt = createInterface({ input: stdin, output: stderr });
    const answer = await new Promise<string>((resolve) => {
      prompt.once('close', () => resolve(''));
      prompt.question(`${question} [y/N] `, resolve);
    });
    prompt.close();
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(EXIT.refused, 'nothing was done');
  }

  /** Whether there is somebody to ask. */
  function isInteractive(): boolean {
    return stdin.isTTY === true && stderr.isTTY === true;
  }

  /** Asks one question after the other on standard error, each until its answer fits. @throws CliError when the input ends */
  async function ask<Name extends string>(questions: Record<Name, Question>): Promise<Record<Name, string>> {
    const prompt = createInterface({ input: stdin, output: stderr });
    const lines = prompt[Symbol.asyncIterator]();
    const answers: Record<string, string> = {};
    try {
      for (const [name, { question, check }] of Object.entries<Question>(questions)) {
        while (answers[name] === undefined) {
          stderr.write(`${question} `);
          const { value, done } = await lines.next();
          if (done) throw new CliError(EXIT.refused, 'nothing was done');
          if (check(value.trim())) answers[name] = value.trim();
        }
      }
      return answers as Record<Name, string>;
    } finally {
      prompt.close();
    }
  }

  /** Does work that takes time under a bar on standard error, where that is a terminal. */
  async function withProgress<T>(
    label: string,
    total: number,
    work: (update: (done: number) => void) => Promise<T>,
  ): Promise<T> {
    if (!stderr.isTTY) return work(() => undefined);
    const format = `${label} {bar} {value}/{total} {eta_formatted}`;
    const bar = new SingleBar(
      { format, stream: stderr, hideCursor: true, clearOnComplete: true },
      Presets.shades_classic,
    );
    bar.start(total, 0);
    return work((done) => bar.update(done)).finally(() => bar.stop());
  }

  return { out, settings, client, print, pass, note, confirm, isInteractive, ask, withProgress };
}

/** The given key, or a fresh one, which makes this run's own retries safe. */
export function idempotencyKey(options: { idempotencyKey?: string }): string {
  return options.idempotencyKey ?? randomUUID();
}

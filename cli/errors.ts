import { CommanderError } from 'commander';
import { SettingsError } from '../platform/config-client.ts';
import type { Problem } from './api-types.ts';

/** Exit codes, the same for every command. */
export const EXIT = { ok: 0, refused: 1, usage: 2, auth: 3, notFound: 4, unavailable: 5 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with an exit code and one line on standard error. */
export class CliError extends Error {
  override name = 'CliError';
  readonly exitCode: ExitCode;
  /** The problem (RFC 9457) that the server answered with, if it did. */
  readonly problem: Problem | undefined;

  constructor(exitCode: ExitCode, message: string, problem?: Problem) {
    super(message);
    this.exitCode = exitCode;
    this.problem = problem;
  }
}

export function usageError(message: string): CliError {
  return new CliError(EXIT.usage, message);
}

/** The error for an answer that is not a success; its message is the problem in one line. */
export function problemError(status: number, problem: Problem, url: string): CliError {
  const parts = [problem.title, problem.detail, ...(problem.errors ?? []).map((e) => `${e.pointer} ${e.detail}`)];
  const text = [...new Set(parts.filter((part) => part))].join(': ') || `${url} answered HTTP ${status}`;
  const hints = [problem.code, problem.redemption_id && `redemption ${problem.redemption_id}`].filter((hint) => hint);
  return new CliError(exitCodeOf(status), hints.length ? `${text} (${hints.join(', ')})` : text, problem);
}

/** What to print for an error and exit with; nothing to print where commander has printed already. */
export function describeError(error: unknown): { exitCode: ExitCode; line?: string } {
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage };
  if (error instanceof CliError) return { exitCode: error.exitCode, line: oneLine(error.message) };
  if (error instanceof SettingsError) return { exitCode: EXIT.usage, line: oneLine(error.message) };
  return { exitCode: EXIT.refused, line: oneLine(error instanceof Error ? error.message : String(error)) };
}

export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

function exitCodeOf(status: number): ExitCode {
  if (status === 400) return EXIT.usage;
  if (status === 401 || status === 403) return EXIT.auth;
  if (status === 404) return EXIT.notFound;
  return status >= 500 ? EXIT.unavailable : EXIT.refused;
}

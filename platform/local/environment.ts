import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';

/** What the local servers take from the process's environment. */
export interface LocalEnvironment {
  /** The folders programs are looked for in. */
  path: string;
  /** Where programs that were downloaded or built are kept, for every checkout of this user. */
  cache: string;
  /** All variables, for the child processes that need them (Go). */
  variables: Readonly<Record<string, string | undefined>>;
}

/** Reads the environment, the one place in this folder that does. */
export function localEnvironment(variables: Record<string, string | undefined> = process.env): LocalEnvironment {
  const caches = variables.XDG_CACHE_HOME || variables.LOCALAPPDATA || join(variables.HOME || homedir(), '.cache');
  return { path: variables.PATH ?? variables.Path ?? '', cache: join(caches, 'vouchsafe'), variables };
}

/**
 * The variables of a server that is written in Go. It uses half of the cores, unless GOMAXPROCS says otherwise: all servers
 * and the service share them, and Go's idle threads look for work on each. See docs/performance.md.
 */
export function goServerVariables({ variables }: LocalEnvironment): LocalEnvironment['variables'] {
  return { GOMAXPROCS: String(Math.ceil(availableParallelism() / 2)), ...variables };
}

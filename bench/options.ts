import { parseArgs } from 'node:util';
import { ConfigError } from '../platform/config.ts';
import type { Stage } from './stage.ts';

/** What a bench found: members of its JSON line. */
export type Result = Record<string, number>;

export interface Bench<Options extends Record<string, number> = Record<string, number>> {
  /** Its options, all whole numbers, and what each is when not given. */
  defaults: Options;
  run(stage: Stage, options: Options): Promise<Result>;
}

/** Gives a bench's `run` the names of its options. */
export function defineBench<Options extends Record<string, number>>(bench: Bench<Options>): Bench {
  return bench as unknown as Bench;
}

export interface Arguments {
  name: string;
  bench: Bench;
  options: Record<string, number>;
}

const MAX = 10_000_000;

/** Reads `NAME [--option N …]`. @throws ConfigError that says what can be given */
export function readArguments(argv: string[], benches: Record<string, Bench>): Arguments {
  const [name = '', ...rest] = argv;
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (!bench) throw new ConfigError(usage(benches));
  const known = Object.keys(bench.defaults);
  try {
    const { values } = parseArgs({
      args: rest,
      options: Object.fromEntries(known.map((option) => [option, { type: 'string' } as const])),
    });
    const given = Object.entries(values).map(([option, text]) => [option, wholeNumber(option, text)] as const);
    return { name, bench, options: { ...bench.defaults, ...Object.fromEntries(given) } };
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\n${usage({ [name]: bench })}`);
  }
}

function wholeNumber(option: string, text = ''): number {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > MAX) throw new ConfigError(`--${option} takes a whole number from 1 to ${MAX}`);
  return value;
}

function usage(benches: Record<string, Bench>): string {
  const lines = Object.entries(benches).map(([name, { defaults }]) => {
    const options = Object.entries(defaults).map(([option, value]) => ` [--${option} ${value}]`);
    return `  npm run bench -- ${name}${options.join('')}`;
  });
  return ['Usage:', ...lines].join('\n');
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** DESIGN, section 2: `api, workers, cli → workflows' contracts, activities → domains → platform`. */

const repository = fileURLToPath(new URL('..', import.meta.url));

interface Import {
  /** A package, or a path from the root of the repository. */
  of: string;
  typeOnly: boolean;
}

interface Rule {
  /** The files it is about: the first rule whose pattern fits a path is the one. */
  files: RegExp;
  /** What they may import of this repository. */
  may: RegExp[];
  /** Of what only types: they are gone when the code runs. */
  types?: RegExp[];
  /** The only packages they may import; any, if it is left out. */
  packages?: RegExp;
}

/** What is not a part of the service: it looks on from outside, or puts the whole together. */
const OUTSIDE = /^(test|bench)\/|^[^/]+\.ts$/;

const domain = (name: string): Rule => ({
  files: new RegExp(`^domains/${name}/`),
  may: [new RegExp(`^domains/${name}/`), /^platform\//],
});

const rules: Rule[] = [
  {
    files: /^platform\//,
    may: [/^platform\//],
  },
  domain('gift-code'),
  domain('wallet'),
  domain('gateway'),
  {
    files: /^workflows\//,
    may: [/^workflows\//],
    packages: /^@temporalio\/(workflow|common)$/,
  },
  {
    files: /^activities\//,
    may: [/^activities\//, /^domains\//, /^platform\//, /^workflows\/contracts\.ts$/],
    types: [/^workflows\//],
  },
  {
    files: /^api\//,
    may: [/^api\//, /^activities\//, /^domains\//, /^platform\//, /^workflows\/contracts\.ts$/],
    types: [/^workflows\//],
  },
  {
    files: /^workers\//,
    may: [/^workers\//, /^api\//, /^activities\//, /^domains\//, /^platform\//, /^workflows\/contracts\.ts$/],
    types: [/^workflows\//],
  },
  { files: /^cli\//, may: [/^cli\//, /^platform\//] },
  { files: /^drizzle\//, may: [] },
  { files: /^bin\//, may: [/^bin\//] },
];

const ENVIRONMENT = ['platform/config.ts', 'platform/config-client.ts', 'platform/local/environment.ts'];

/** Every import of a file: statements, re-exports, `import()` of code and of types, and `import x = require()`. */
function importsOf(path: string, source: string): Import[] {
  const code = withoutComments(source);
  const found: Import[] = [];
  const add = (specifier: string | undefined, typeOnly: boolean) => {
    if (specifier === undefined) return;
    const of = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier;
    found.push({ of, typeOnly });
  };
  const statement = /(?:^|[;}\n])\s*(import|export)\s+(type\s+(?!from\b))?([^'"`;=()]*?\sfrom\s*)?['"]([^'"\n]+)['"]/g;
  for (const [, keyword, type, clause, specifier] of code.matchAll(statement)) {
    if (keyword === 'export' && clause === undefined) continue;
    add(specifier, type !== undefined || onlyTypes(clause));
  }
  for (const [, specifier] of code.matchAll(/\b(?:import|require)\s*\(\s*['"`]([^'"`\n]+)['"`]/g))
    add(specifier, false);
  return found;
}

/** `{ type A, type B } from`: every name is a type. */
function onlyTypes(clause: string | undefined): boolean {
  const [, names] = /^\{([^}]*)\}/.exec(clause?.trim() ?? '') ?? [];
  return names?.split(',').every((name) => name.trim() === '' || /^type\s/.test(name.trim())) ?? false;
}

/** Leaves strings alone: a `//` in one is no comment. */
function withoutComments(source: string): string {
  return source.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_, text?: string) => text ?? ' ',
  );
}

function faultsOf(path: string, source: string): string[] {
  const isTest = path.endsWith('.test.ts') || /(^|\/)testing(\/|\.ts$)/.test(path);
  const faults: string[] = [];
  if (!isTest && !OUTSIDE.test(path) && !ENVIRONMENT.includes(path) && readsEnvironment(source)) {
    faults.push(`${path} reads process.env: configuration is parsed once, in ${ENVIRONMENT.join(', ')}`);
  }
  if (OUTSIDE.test(path)) return faults;
  const rule = rules.find(({ files }) => files.test(path));
  if (!rule) return [...faults, `${path} is in a folder without a rule`];
  for (const { of, typeOnly } of importsOf(path, source)) {
    const isOwn = /^[^@:]+\.(ts|mts|mjs|json)$/.test(of);
    const may = isOwn
      ? [...rule.may, ...((typeOnly && rule.types) || []), ...(isTest ? [/^test\//] : [])].some((own) => own.test(of))
      : isTest || rule.packages === undefined || rule.packages.test(of);
    if (!may) faults.push(`${path} imports ${of}`);
  }
  return faults;
}

function readsEnvironment(source: string): boolean {
  const code = withoutComments(source);
  return (
    /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[\s*['"`]env['"`]/.test(code) ||
    /\{[^}]*\benv\b[^}]*\}\s*(from\s*['"](node:)?process['"]|=\s*process\b)/.test(code)
  );
}

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
  cwd: repository,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '');
const sources = files.flatMap((path): [string, string][] => {
  try {
    return [[path, readFileSync(repository + path, 'utf8')]];
  } catch {
    // Deleted and not yet committed.
    return [];
  }
});

describe('imports point one way: api, workers, cli → contracts, activities → domains → platform', () => {
  test('in every file', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.flatMap(([path, source]) => faultsOf(path, source))).toEqual([]);
  });

  test('and every import there is has been read', () => {
    for (const [path, source] of sources) {
      const read = importsOf(path, source).length;
      const seen = [...source.matchAll(/^(?:import '|(?:import|export) .* from '|\} from ')[^']+';$/gm)].length;
      expect(read, path).toBeGreaterThanOrEqual(seen);
    }
    expect(sources.flatMap(([path, source]) => importsOf(path, source)).length).toBeGreaterThan(500);
  });

  test.each([
    ['domains/wallet/credit.ts', `import { reserve } from '../gift-code/reserve.ts';`],
    ['domains/wallet/credit.ts', `import type { ReserveItem } from '../gift-code/reserve.ts';`],
    ['domains/wallet/credit.test.ts', `import { reserve } from '../gift-code/reserve.ts';`],
    ['domains/wallet/credit.ts', `import {\n  a,\n  b,\n} from '../../activities/wallet.ts';`],
    ['domains/wallet/credit.ts', `import { until } from '../../test/harness.ts';`],
    ['workflows/saga.ts', `import { newId } from '../platform/ids.ts';`],
    ['workflows/saga.ts', `import { z } from 'zod';`],
    ['workflows/saga.ts', `import { randomUUID } from 'node:crypto';`],
    ['workflows/saga.ts', `import { Client } from '@temporalio/client';`],
    ['workflows/saga.ts', `import '../platform/config.ts';`],
    ['activities/wallet.ts', `export { page } from '../api/cursor.ts';`],
    ['activities/sweep.ts', `import { redeem } from '../workflows/redeem.ts';`],
    ['activities/sweep.ts', `import { type A, redeem } from '../workflows/redeem.ts';`],
    ['api/app.ts', `const { startService } = await import('../workers/service.ts');`],
    ['api/app.ts', `type S = import('../workers/service.ts').Service;`],
    ['api/app.ts', `export * from '../cli/cli.ts';`],
    ['cli/cli.ts', `import { app } from '../api/app.ts';`],
    ['cli/cli.ts', `import type { Wallet } from '../domains/wallet/read-wallets.ts';`],
    ['cli/cli.ts', `import type { redeem } from '../workflows/redeem.ts';`],
    ['cli/cli.ts', `import { STAGE_ATTRIBUTE } from '../workflows/contracts.ts';`],
    ['platform/money.ts', `import { credit } from '../domains/wallet/credit.ts';`],
    ['platform/local/nats.ts', `import { Saga } from '../../workflows/saga.ts';`],
    ['platform/money.ts', `const limit = process.env.LIMIT;`],
    ['api/app.ts', `import { env } from 'node:process';`],
    ['api/app.ts', `const { env } = process;`],
    ['elsewhere/new.ts', `import { z } from 'zod';`],
  ])('one that points the other way is found: %s %s', (path, source) => {
    expect(faultsOf(path, `import { a } from './a.ts';\n${source}`)).not.toEqual([]);
  });

  test.each([
    ['domains/wallet/credit.ts', `import { money } from '../../platform/money.ts';\nimport pg from 'pg';`],
    ['domains/wallet/credit.test.ts', `import { until } from '../../test/harness.ts';`],
    ['activities/sweep.ts', `import type { redeem } from '../workflows/redeem.ts';`],
    ['activities/sweep.ts', `import { type redeem, type A } from '../workflows/redeem.ts';`],
    ['api/app.ts', `// import { startService } from '../workers/service.ts';`],
    ['api/app.ts', `/* process.env */ const text = 'http://localhost';`],
    ['platform/config.ts', 'const port = process.env.PORT;'],
  ])('one that is in order is not: %s %s', (path, source) => {
    expect(faultsOf(path, source)).toEqual([]);
  });
});

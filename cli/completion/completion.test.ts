import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'vouchsafe-completion-'));
const file = join(folder, 'vouchsafe.bash');
const scriptFor = async (shell: string) => (await runCli(['completion', shell])).stdout;
beforeAll(async () => writeFileSync(file, await scriptFor('bash')));
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash itself completes a line with, the last word being the one that is typed. */
function completed(...words: string[]): string[] {
  const script = `source "$1"; shift; COMP_WORDS=(vouchsafe "$@"); COMP_CWORD=$#; _vouchsafe; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['-c', script, 'bash', file, ...words], { encoding: 'utf8' });
  return output.split('\n').filter((line) => line !== '');
}

test('bash completes commands, their subcommands, options and choices', () => {
  expect(completed('rec')).toEqual(['reconcile', 'reconciliations']);
  expect(completed('exp')).toEqual(['explain']);
  expect(completed('')).toEqual(
    expect.arrayContaining(['redeem', 'groups', 'wallets', 'doctor', 'completion', '--help']),
  );
  expect(completed('groups', 'st')).toEqual(['stats']);
  expect(completed('groups', 'list', '--q')).toEqual(['--query']);
  expect(completed('groups', 'list', '--query', 'wallets', '--li')).toEqual(['--limit']);
  expect(completed('outbox', 'replay', '--part', '')).toEqual(['gift-code', 'wallet']);
  expect(completed('outbox', 'replay', '--part', 'w')).toEqual(['wallet']);
  expect(completed('wallets', 'show', '+989121234567', '--cur')).toEqual(['--currency']);
  // A name that is also a command is a value here.
  expect(completed('groups', 'create', '--name', 'codes', '--am')).toEqual(['--amount']);
  expect(completed('groups', 'create', '--name', '')).toEqual([]);
  expect(completed('groups', 'nothing')).toEqual([]);
});

test.each(['bash', 'zsh', 'fish'])('the script for %s has every command', async (shell) => {
  const script = await scriptFor(shell);
  for (const words of ['redeem', 'groups', 'codes', 'webhooks', 'rotate-secret', 'transactions', '--json', 'doctor'])
    expect(script).toContain(shell === 'fish' ? words.replace(/^--/, '') : words);
});

test('a shell that is none of them is a usage error', async () => {
  expect(await runCli(['completion', 'tcsh'])).toMatchObject({ exitCode: 2, stdout: '' });
});

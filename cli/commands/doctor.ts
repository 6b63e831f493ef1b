import type { Command } from 'commander';
import type { Check } from '../api-types.ts';
import type { Cli, JsonOption } from '../cli.ts';
import { examine } from '../doctor/examine.ts';
import { CliError, EXIT } from '../errors.ts';
import { dataCommand } from '../options.ts';
import type { Columns } from '../output.ts';

export function addDoctor(program: Command, cli: Cli): void {
  dataCommand(
    program,
    'doctor',
    'check the API, this key and each server, and say what to do: exit code 0 if nothing is wrong, 5 if something is',
    'doctor',
  ).action(async (options: JsonOption) => {
    const checks = await examine(cli.client(), cli.settings().url);
    cli.print(options, { checks }, (out) => out.table(checks, columns));
    const failed = checks.filter(({ state }) => state === 'failed');
    if (failed.length > 0) throw new CliError(EXIT.unavailable, `wrong: ${failed.map(({ name }) => name).join(', ')}`);
  });
}

const columns: Columns<Check> = {
  CHECK: (check) => check.name,
  STATE: (check) => check.state,
  DETAIL: (check) => check.detail,
  'WHAT TO DO': (check) => check.action,
};

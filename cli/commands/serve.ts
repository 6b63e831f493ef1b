import { spawn } from 'node:child_process';
import { Argument, type Command } from 'commander';
import { startCommand } from '../../platform/start-command.ts';
import { CliError, EXIT } from '../errors.ts';
import { exampleText } from '../options.ts';

/** Parts of the service in processes of their own. Everything at once is `npm start`. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run a part in a process of its own, over servers that run: see docs/operations.md')
    .addArgument(new Argument('<part>', 'which one').choices(['gateway', 'wallet', 'gift-code']))
    .addHelpText('after', exampleText('serve wallet'))
    .action((part: string) => runService(['serve', part]));
  program
    .command('work')
    .description("do a part's steps of redemptions, and publish its events, in a process of its own")
    .addArgument(new Argument('<part>', 'which one').choices(['wallet', 'gift-code']))
    .addHelpText('after', exampleText('work wallet'))
    .action((part: string) => runService(['work', part]));
}

/** Runs the service in a process with its own flags of Node, until that ends. */
async function runService(args: string[]): Promise<void> {
  const child = spawn(process.execPath, [...startCommand(), ...args], { stdio: 'inherit' });
  // From a terminal the child gets it as well; it takes the second one for the first.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new CliError(EXIT.refused, `${args.join(' ')} has ended`);
}

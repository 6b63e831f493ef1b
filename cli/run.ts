import { Command } from 'commander';
import { VERSION } from '../platform/version.ts';
import { type Cli, createCli, type Surroundings } from './cli.ts';
import { addAudit } from './commands/audit.ts';
import { addCheck } from './commands/check.ts';
import { addCodes } from './commands/codes.ts';
import { addCompletion } from './commands/completion.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addExplain } from './commands/explain.ts';
import { addGroups } from './commands/groups.ts';
import { addKeys } from './commands/keys.ts';
import { addOutbox } from './commands/outbox.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addRedeem } from './commands/redeem.ts';
import { addRedemptions } from './commands/redemptions.ts';
import { addServe } from './commands/serve.ts';
import { addWallets } from './commands/wallets.ts';
import { addWebhooks } from './commands/webhooks.ts';
import { describeError, EXIT, type ExitCode, oneLine } from './errors.ts';

/** Runs one command line. @returns its exit code; every error is one line on standard error by then */
export async function run(argv: string[], surroundings: Surroundings): Promise<ExitCode> {
  try {
    await createProgram(createCli(surroundings), surroundings).parseAsync(argv, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    const { exitCode, line } = describeError(error);
    if (line !== undefined) surroundings.stderr.write(`vouchsafe: ${line}\n`);
    return exitCode;
  }
}

function createProgram(cli: Cli, { stdout, stderr }: Surroundings): Command {
  const program = new Command('vouchsafe')
    .description('Gift codes to wallet credit, exactly once: the admin command line')
    .addHelpText(
      'after',
      '\nIt finds the instance that runs in this checkout, or in VOUCHSAFE_HOME; VOUCHSAFE_URL and VOUCHSAFE_KEY name another.' +
        '\nExit codes: 0 ok, 1 refused, 2 usage, 3 auth, 4 not found, 5 unavailable.',
    )
    .version(VERSION, '-V, --version', 'show the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(`vouchsafe: ${oneLine(text.replace(/^error: /, ''))}\n`),
    });
  addRedeem(program, cli);
  addCheck(program, cli);
  addExplain(program, cli);
  addGroups(program, cli);
  addCodes(program, cli);
  addWallets(program, cli);
  addRedemptions(program, cli);
  addKeys(program, cli);
  addWebhooks(program, cli);
  addAudit(program, cli);
  addOutbox(program, cli);
  addReconcile(program, cli);
  addDoctor(program, cli);
  addDemo(program, cli);
  addCompletion(program, cli);
  addServe(program);
  return program;
}

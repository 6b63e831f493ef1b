import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { books } from '../demo/books.ts';
import { redeemAgain, redeemOnce } from '../demo/once.ts';
import { race } from '../demo/race.ts';
import { setStage } from '../demo/stage.ts';
import { stuckAndHealed } from '../demo/stuck.ts';
import { exampleText, yesOption } from '../options.ts';

/** Codes the steps use up: one once, one raced for, one stuck, one beside it. */
const CODES = 4;

export function addDemo(program: Command, cli: Cli): void {
  program
    .command('demo')
    .description(
      'less than a minute: redeemed once, refused to another phone, 500 at once, stuck and healed, the books',
    )
    .addOption(yesOption())
    .addHelpText('after', exampleText('demo'))
    .action((options: { yes?: boolean }) => demo(cli, options));
}

async function demo(cli: Cli, options: { yes?: boolean }): Promise<void> {
  const { url, walletDatabaseUrl } = cli.settings();
  const isHere = walletDatabaseUrl !== undefined;
  if (!isHere) await cli.confirm(`The demo makes codes and wallets for made-up phones at ${url}. Go on?`, options);
  const stage = await setStage(cli, CODES);
  const code = await redeemOnce(stage);
  await redeemAgain(stage, code);
  await race(stage);
  await stuckAndHealed(stage);
  await books(stage);
}

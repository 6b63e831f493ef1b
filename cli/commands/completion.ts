import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { commandWords } from '../completion/command-words.ts';
import { SCRIPTS } from '../completion/scripts.ts';
import { exampleText } from '../options.ts';

export function addCompletion(program: Command, cli: Cli): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', exampleText('completion bash > /etc/bash_completion.d/vouchsafe'))
    .action((shell: keyof typeof SCRIPTS) => cli.out.line(SCRIPTS[shell](commandWords(program)).trimEnd()));
}

import type { Command } from 'commander';

/** What may follow a command: subcommands and options, each with its description. */
export interface CommandWords {
  /** Words of the command without the program's name, separated by spaces; empty for the program itself. */
  path: string;
  subcommands: { word: string; description: string }[];
  options: { word: string; description: string; takesValue: boolean; choices: readonly string[] }[];
}

/** The words of a program and of every command in it. */
export function commandWords(program: Command, path: string[] = []): CommandWords[] {
  const help = program.createHelp();
  const own: CommandWords = {
    path: path.join(' '),
    subcommands: help
      .visibleCommands(program)
      .map((command) => ({ word: command.name(), description: command.description() })),
    options: help.visibleOptions(program).map(({ long, short, description, required, optional, argChoices }) => ({
      word: long ?? short ?? '',
      description,
      takesValue: required || optional,
      choices: argChoices ?? [],
    })),
  };
  const below = program.commands.flatMap((command) => commandWords(command, [...path, command.name()]));
  return [own, ...below];
}

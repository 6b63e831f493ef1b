import type { CommandWords } from './command-words.ts';

/**
 * Lines of a `case`, common to bash and zsh, in which the command that `$at` names goes one word down, where the next word
 * is a subcommand of it. A value of an option is never taken for one.
 */
export function findCommandCases(commands: CommandWords[]): string {
  const lines = commands
    .filter(({ subcommands }) => subcommands.length > 0)
    .map(({ path, subcommands }) => {
      const words = subcommands.map(({ word }) => `'${path}'/${word}`).join('|');
      return `      ${words}) at="\${at:+$at }$word" ;;`;
    });
  return lines.join('\n');
}

/** Options whose value is the next word, as a pattern of a `case`. */
export function optionsWithValue(commands: CommandWords[]): string {
  const taking = commands.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue));
  return [...new Set(taking.map(({ word }) => word))].sort().join('|');
}

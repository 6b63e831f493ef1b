import type { CommandWords } from './command-words.ts';

/**
 * The body of a loop over the words before the cursor, common to bash and zsh: with each `$word`, `$at` comes to name the
 * command so far. A value of an option is never taken for a subcommand.
 */
export const followWord = (commands: CommandWords[]): string => `    case "$previous" in
      ${optionsWithValue(commands)}) previous=''; continue ;;
    esac
    previous="$word"
    case "$at/$word" in
${subcommandCases(commands)}
    esac`;

function subcommandCases(commands: CommandWords[]): string {
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

import type { CommandWords } from './command-words.ts';
import { followWord, optionsWithValue } from './find-command.ts';

/** A script for zsh. */
export function zshScript(commands: CommandWords[]): string {
  const words = commands.map(({ path, subcommands, options }) => {
    const all = [...subcommands, ...options].map(({ word, description }) => quoted(`${word}:${description}`));
    return `    '${path}') found=(${all.join(' ')}) ;;`;
  });
  const choices = commands.flatMap(({ path, options }) =>
    options
      .filter((option) => option.choices.length > 0)
      .map((option) => `    '${path}'/${option.word}) compadd -- ${option.choices.join(' ')}; return ;;`),
  );
  return `#compdef vouchsafe
# Completion of vouchsafe for zsh. Use it with: source <(vouchsafe completion zsh)
_vouchsafe() {
  local previous='' at='' word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
${followWord(commands)}
  done
  case "$at/$previous" in
${choices.join('\n')}
  esac
  case "$previous" in
    ${optionsWithValue(commands)}) _files; return ;;
  esac
  case "$at" in
${words.join('\n')}
  esac
  _describe vouchsafe found
}
compdef _vouchsafe vouchsafe
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

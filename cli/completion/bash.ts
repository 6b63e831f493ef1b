import type { CommandWords } from './command-words.ts';
import { followWord, optionsWithValue } from './find-command.ts';

/** A script for bash 3.2 and newer. */
export function bashScript(commands: CommandWords[]): string {
  const words = commands.map(({ path, subcommands, options }) => {
    const all = [...subcommands, ...options].map(({ word }) => word).join(' ');
    return `    '${path}') words='${all}' ;;`;
  });
  const choices = commands.flatMap(({ path, options }) =>
    options
      .filter((option) => option.choices.length > 0)
      .map((option) => `    '${path}'/${option.word}) words='${option.choices.join(' ')}' ;;`),
  );
  return `# Completion of vouchsafe for bash. Use it with: source <(vouchsafe completion bash)
_vouchsafe() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous='' at='' words='' word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
${followWord(commands)}
  done
  case "$at" in
${words.join('\n')}
  esac
  case "$previous" in
    ${optionsWithValue(commands)})
      # Its value: a choice, or whatever bash makes of it.
      words=''
      ;;
  esac
  case "$at/$previous" in
${choices.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _vouchsafe vouchsafe
`;
}

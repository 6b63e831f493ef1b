import type { CommandWords } from './command-words.ts';

/** A script for fish. */
export function fishScript(commands: CommandWords[]): string {
  const lines = commands.flatMap(({ path, subcommands, options }) => {
    const when = `-n ${quoted(`__vouchsafe_at ${path}`.trimEnd())}`;
    return [
      ...subcommands.map(
        ({ word, description }) => `complete -c vouchsafe ${when} -f -a ${word} -d ${quoted(description)}`,
      ),
      ...options.map(({ word, description, takesValue, choices }) => {
        const value = takesValue ? (choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : ' -r') : '';
        return `complete -c vouchsafe ${when} -l ${word.replace(/^--/, '')}${value} -d ${quoted(description)}`;
      }),
    ];
  });
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  return `# Completion of vouchsafe for fish. Use it with: vouchsafe completion fish | source
set -g __vouchsafe_commands ${paths.join(' ')}
function __vouchsafe_at
  set -l at
  for word in (commandline -opc)[2..-1]
    contains -- (string join ' ' $at $word) $__vouchsafe_commands; and set -a at $word
  end
  test "$at" = "$argv"
end
${lines.join('\n')}
`;
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

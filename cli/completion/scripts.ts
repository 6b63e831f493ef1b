import { bashScript } from './bash.ts';
import type { CommandWords } from './command-words.ts';
import { fishScript } from './fish.ts';
import { zshScript } from './zsh.ts';

/** What makes a script for each shell. */
export const SCRIPTS: Record<'bash' | 'zsh' | 'fish', (commands: CommandWords[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

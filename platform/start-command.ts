import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What `npm start` runs, with its flags, without npm in between and from any folder: the arguments of Node. */
export function startCommand(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const [, ...args] = scripts.start.split(' ');
  return args.map((arg) => (/^(\.\/)?bin\//.test(arg) ? join(root, arg) : arg));
}

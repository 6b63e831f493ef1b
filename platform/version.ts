import { readFileSync } from 'node:fs';

/** Of the program; the contract's version is in its paths. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

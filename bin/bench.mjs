// `npm run bench -- NAME`: measures on private servers of its own; the last line of standard output is the result in JSON.
import { load, prepare, run } from './prepare.mjs';

await prepare({ dev: true, quiet: true });
const { main } = await load('bench/main.ts');
await run(main);

// `npm start`: everything, with private servers for what has no address in the environment.
import { load, prepare, run } from './prepare.mjs';

await prepare();
const { main } = await load('workers/main.ts');
await run(main);

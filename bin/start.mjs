// `npm start`: everything, with private servers for what has no address in the environment.
import { prepare, run } from './prepare.mjs';

await prepare();
const { main } = await import('../workers/main.ts');
await run(main);

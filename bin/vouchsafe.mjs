#!/usr/bin/env node
// The command line, `npx vouchsafe`: a client of the REST API.
import { prepare, run } from './prepare.mjs';

await prepare({ quiet: true });
const { main } = await import('../cli/main.ts');
await run(main);

#!/usr/bin/env node
// The command line, `npx vouchsafe`: a client of the REST API.
import { load, prepare, run } from './prepare.mjs';

await prepare({ quiet: true });
const { main } = await load('cli/main.ts');
await run(main);

// The thread in which the service runs its gateway, see workers/gateway-thread.ts.
import { load } from './prepare.mjs';

const { main } = await load('workers/gateway.ts');
await main();

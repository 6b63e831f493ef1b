// A run of its own, for tests that kill it: starts all servers in the home given, tells their pids, and waits.
import { startServers } from '../servers.ts';

const servers = await startServers({ home: process.argv[2] ?? '', given: {}, progress: () => {} });
process.stdout.write(JSON.stringify(servers.pids));
setInterval(() => {}, 60_000);

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openAdminKey } from '../platform/admin-key.ts';
import { type Config, ConfigError, readConfig } from '../platform/config.ts';
import { CHECKOUT_HOME } from '../platform/config-client.ts';
import { type LocalServers, startServers } from '../platform/local/index.ts';
import { createLogger } from '../platform/logger.ts';
import { ROLES, type Role, startApart } from './apart.ts';
import { banner } from './banner.ts';
import { freshDemoCode } from './demo-code.ts';
import { startService } from './service.ts';
import { installRuntime } from './temporal.ts';
import { cachedWorkflowBundle } from './workflow-bundle.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * `npm start`: servers that are missing, then gateway, workers and relays in this process; `vouchsafe serve` and `vouchsafe
 * work`: a part of it. Until a signal comes.
 */
export async function main(args: string[]): Promise<void> {
  const { memory, role } = readArguments(args);
  const config = readConfig();
  const logger = createLogger(config.logLevel);
  const progress = (line: string) => process.stderr.write(`${line}\n`);

  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  // One Ctrl-C reaches us twice: from the terminal, and from npm, which passes it on.
  for (const signal of SIGNALS) process.on(signal, () => stop.abort(new ConfigError(`stopped by ${signal}`)));

  /** What is being started is left to the end of this process: it may wait for a server that says nothing. */
  const unlessStopped = <T>(starting: Promise<T>): Promise<T> =>
    Promise.race([starting, stopped.then(() => Promise.reject(stop.signal.reason))]);

  installRuntime(logger);
  const bundleWorkflows = () => cachedWorkflowBundle(join(config.home, 'cache'));
  const openKey = () => openAdminKey(config.home, config.adminKey);
  if (role) {
    const starting = startApart(role, { config, logger, adminKey: openKey, workflowBundle: bundleWorkflows });
    const apart = await unlessStopped(starting);
    process.stdout.write(`vouchsafe ${role} is running${apart.url ? ` at ${apart.url}` : ''}\n`);
    await Promise.race([stopped, apart.failed]).finally(() => apart.close());
    process.exit(0);
  }

  progress('Starting the servers');
  const workflowBundle = bundleWorkflows();
  workflowBundle.catch(() => undefined);
  let tellWhere = () => {};
  const servers = await startServers({
    home: config.home,
    memory,
    given: config.given,
    progress,
    restarted: () => tellWhere(),
    signal: stop.signal,
  });
  const runFile = join(config.home, 'run.json');
  try {
    const adminKey = await openKey();
    progress('Starting the gateway, the workers and the relays');
    const service = await unlessStopped(startService(config, servers.urls, adminKey, logger, workflowBundle));
    try {
      tellWhere = () => writeRunFile(runFile, service.url, adminKey, servers, config);
      tellWhere();
      // Codes for nothing are made only where all the data is this machine's own.
      const isOwn = !config.given.giftCodeDatabaseUrl && !config.given.walletDatabaseUrl;
      const demo = isOwn ? freshDemoCode(service.url, adminKey, config.currency) : Promise.resolve(undefined);
      const code = await unlessStopped(
        demo.catch((error: unknown) => void logger.warn({ error: String(error) }, 'there is no demo code')),
      );
      const home = config.home === CHECKOUT_HOME ? undefined : config.home;
      const webUi = config.webUiUrl ?? servers.urls.temporalWebUi ?? undefined;
      process.stdout.write(banner({ api: service.url, webUi, adminKey, code, home }));
      await Promise.race([stopped, service.failed]).finally(() => progress('\nStopping'));
    } finally {
      tellWhere = () => {};
      rmSync(runFile, { force: true });
      await service.close();
    }
  } finally {
    await servers.stop();
  }
  // Native handles of the Temporal SDK may keep a process alive that has nothing left to do.
  process.exit(0);
}

function readArguments(args: string[]): { memory: boolean; role?: Role } {
  const role = ROLES.find((name) => name === args.join(' '));
  if (role) return { memory: false, role };
  try {
    const { values } = parseArgs({ args, options: { memory: { type: 'boolean', default: false } } });
    return { memory: values.memory };
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}. npm start takes: --memory (npm start -- --memory)`);
  }
}

/** Tells tools on this machine where everything is; whole or not at all. */
function writeRunFile(path: string, api: string, adminKey: string, { urls, pids }: LocalServers, config: Config) {
  const content = {
    api,
    web_ui: config.webUiUrl ?? urls.temporalWebUi,
    admin_key: adminKey,
    currency: config.currency,
    temporal: urls.temporal,
    nats: urls.nats,
    redis: urls.redis,
    databases: { gateway: urls.gatewayDatabase, gift_code: urls.giftCodeDatabase, wallet: urls.walletDatabase },
    pids: { app: process.pid, ...pids },
  };
  writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

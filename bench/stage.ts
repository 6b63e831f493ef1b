import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GiftCodeDatabase } from '../domains/gift-code/database.ts';
import { openCodeKeys } from '../domains/gift-code/open-code-keys.ts';
import * as giftCodeSchema from '../domains/gift-code/schema.ts';
import type { WalletDatabase } from '../domains/wallet/database.ts';
import * as walletSchema from '../domains/wallet/schema.ts';
import type { CodeKeys } from '../platform/code-keys.ts';
import { migrateDatabase, openDatabase } from '../platform/database.ts';
import { type LocalServers, startServers } from '../platform/local/index.ts';
import { createLogger } from '../platform/logger.ts';
import { installRuntime } from '../workers/temporal.ts';

/** What a bench stands on: private servers, durable as in production, and both domains' databases. */
export interface Stage {
  urls: LocalServers['urls'];
  giftCode: GiftCodeDatabase;
  wallet: WalletDatabase;
  codeKeys: CodeKeys;
  /** The home of a service that is started over these servers; it holds the code keys. */
  serviceHome: string;
  /** Says on standard error what is going on. */
  progress(line: string): void;
  /** Aborted when the bench is to end early. */
  signal: AbortSignal;
}

const DATABASE = { steps: 16, door: 1, reads: 2, statementTimeoutMs: 60_000 };

/** Runs `work` on a stage in a new temporary folder (`TMPDIR` chooses the disk), and clears it away however that ends. */
export async function withStage<T>(signal: AbortSignal, work: (stage: Stage) => Promise<T>): Promise<T> {
  const progress = (line: string) =>
    void process.stderr.write(`${line}
`);
  const opened: (() => unknown)[] = [];
  try {
    const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-bench-'));
    opened.push(() => rm(folder, { recursive: true, force: true }));
    installRuntime(createLogger('error'));
    progress(`Starting the servers in ${folder}`);
    const servers = await startServers({ home: join(folder, 'servers'), given: {}, progress, signal });
    opened.push(servers.stop);
    const { urls } = servers;
    await migrateDatabase('gift-code', urls.giftCodeDatabase);
    await migrateDatabase('wallet', urls.walletDatabase);
    const giftCode = await openDatabase('gift-code', urls.giftCodeDatabase, giftCodeSchema, DATABASE);
    opened.push(giftCode.close);
    const wallet = await openDatabase('wallet', urls.walletDatabase, walletSchema, DATABASE);
    opened.push(wallet.close);
    const serviceHome = join(folder, 'service');
    const codeKeys = await openCodeKeys(giftCode, serviceHome);
    return await work({ urls, giftCode, wallet, codeKeys, serviceHome, progress, signal });
  } finally {
    for (const close of opened.reverse()) await close();
  }
}

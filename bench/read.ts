import { createCodeGroup } from '../domains/gift-code/create-code-group.ts';
import { generateCodes } from '../domains/gift-code/generate-codes.ts';
import { ROLL_PIECE, rollRedemptions } from '../domains/gift-code/roll-redemptions.ts';
import { ConfigError } from '../platform/config.ts';
import { newId } from '../platform/ids.ts';
import { assertExact } from './books.ts';
import { type HttpConnection, openHttpConnection } from './http-connection.ts';
import { Latencies, rounded } from './latencies.ts';
import { defineBench, type Result } from './options.ts';
import { newGroup, seedWallets } from './seed.ts';
import { startServiceProcess } from './service-process.ts';
import { settle } from './settle.ts';
import type { Stage } from './stage.ts';

const CHUNK = 5_000;
const BATCH = 256;
const TIMEOUT_MS = 60_000;
const PROGRESS_EVERY = 100_000;

/**
 * Reads of a large group, some of whose codes are redeemed, and of a wallet with a long history, by one client, one after
 * the other. Statistics are read after something was written, when they are computed, and when nothing was written.
 * Statistics and redeemers are read with all redemptions in the group's rollup, then without the `latest`, as between two
 * sweeps.
 */
export const read = defineBench({
  defaults: { codes: 1_000_000, redeemed: 100_000, transfers: 100_000, latest: 10_000, reads: 200 },
  async run(stage, { codes, redeemed, transfers, latest, reads }) {
    const used = redeemed + transfers;
    if (used > codes) throw new ConfigError('--codes takes at least the sum of --redeemed and --transfers');
    if (latest >= used) throw new ConfigError('--latest takes less than the sum of --redeemed and --transfers');
    const wallets = await seedWallets(stage);
    const groupId = await seedLargeGroup(stage, codes);
    const busiest = wallets[0]?.walletId ?? '';
    const orders = (await someCodes(stage, groupId, used)).map((codeId, index) => {
      return { codeId, walletId: index < transfers ? busiest : (wallets[index % wallets.length]?.walletId ?? '') };
    });
    await redeemCodes(stage, orders.slice(0, -latest));
    await rollRedemptions(stage.giftCode, { piece: ROLL_PIECE, trailMs: 0 });
    await settleTables(stage);

    stage.progress('Starting the service');
    const service = await startServiceProcess(stage);
    const connection = await openHttpConnection(service.url, service.adminKey);
    try {
      const codesPath = `/v1/code-groups/${groupId}/codes`;
      const statsPath = `/v1/code-groups/${groupId}/stats`;
      const redeemersPath = `/v1/code-groups/${groupId}/redeemers`;
      const transactionsPath = `/v1/wallets/${busiest}/transactions`;
      const middle = middleCursor(await getJson(connection, codesPath), codes);
      const ids = await someRedemptions(stage, reads);
      const get = (path: string) => getJson(connection, path);
      const wrote = () => stage.giftCode.reads.query('select pg_current_xact_id()');

      const rolled = {
        ...(await timed(stage, 'stats_to_now', reads, () => get(`${statsPath}?to=${new Date().toISOString()}`), wrote)),
        ...(await timed(stage, 'stats', reads, () => get(statsPath), wrote)),
        // The last one above was kept.
        ...(stage.urls.redis && (await timed(stage, 'stats_kept', reads, () => get(statsPath)))),
        ...(await timed(stage, 'redeemers', reads, () => get(redeemersPath))),
      };
      await redeemCodes(stage, orders.slice(-latest));
      const measured = {
        ...rolled,
        ...(await timed(stage, 'stats_latest', reads, () => get(statsPath), wrote)),
        ...(await timed(stage, 'redeemers_latest', reads, () => get(redeemersPath))),
        ...(await timed(stage, 'codes_first', reads, () => get(codesPath))),
        ...(await timed(stage, 'codes_middle', reads, () => get(`${codesPath}?cursor=${middle}`))),
        ...(await timed(stage, 'codes_used', reads, () => get(`${codesPath}?state=used`))),
        ...(await timed(stage, 'codes_unused', reads, () => get(`${codesPath}?state=unused`))),
        ...(await timed(stage, 'redemption', reads, (index) => get(`/v1/redemptions/${ids[index % ids.length]}`))),
        ...(await timed(stage, 'transactions', reads, () => get(transactionsPath))),
      };
      await assertExact(stage, used, 0);
      assertStats(stage, await get(statsPath), codes, used);
      return {
        codes,
        redeemed: used,
        transfers,
        latest,
        reads,
        ...measured,
        rss_mib: rounded(service.peakRssMib(), 0),
      };
    } finally {
      connection.close();
      await service.stop();
    }
  },
});

async function seedLargeGroup({ giftCode, codeKeys, signal, progress }: Stage, codes: number): Promise<string> {
  progress(`Seeding a group of ${codes} codes`);
  const id = newId();
  const created = await createCodeGroup(giftCode, codeKeys, newGroup(id, { background: codes }));
  if (!created.ok) throw new Error(`the group could not be made: ${created.reason}`);
  const limits = { chunk: CHUNK, chunks: Math.ceil(codes / CHUNK), timeoutMs: TIMEOUT_MS };
  const generation = await generateCodes(giftCode, codeKeys, id, limits, ({ made }) => {
    if (made % PROGRESS_EVERY === 0) progress(`${made} of ${codes}`);
    return !signal.aborted;
  });
  signal.throwIfAborted();
  if (generation?.state !== 'done') throw new Error(`the codes were not made: ${JSON.stringify(generation)}`);
  return id;
}

/** Codes from all over the group. */
async function someCodes({ giftCode }: Stage, groupId: string, count: number): Promise<string[]> {
  const { rows } = await giftCode.reads.query<{ id: string }>(
    'select id from codes where group_id = $1 order by random() limit $2',
    [groupId, count],
  );
  return rows.map(({ id }) => id);
}

/** Redeems codes by the domains' own functions. */
async function redeemCodes(stage: Stage, orders: { codeId: string; walletId: string }[]): Promise<void> {
  stage.progress(`Redeeming ${orders.length} codes`);
  for (let from = 0; from < orders.length; from += BATCH) {
    stage.signal.throwIfAborted();
    if (!(await settle(stage, orders.slice(from, from + BATCH)))) throw new Error('a code could not be redeemed');
  }
}

/** As autovacuum and the relay would have left them. */
async function settleTables({ giftCode, wallet }: Stage): Promise<void> {
  for (const { reads } of [giftCode, wallet]) {
    await reads.query('update outbox_batches set published_at = now() where published_at is null');
    await reads.query('vacuum (analyze)');
  }
}

/** The cursor of a page from the middle of the group: as the first page's, at another position. */
function middleCursor(firstPage: { next_cursor: string | null }, codes: number): string {
  if (firstPage.next_cursor === null) throw new ConfigError('--codes takes more than one page of codes');
  const [digest] = JSON.parse(Buffer.from(firstPage.next_cursor, 'base64url').toString());
  return Buffer.from(JSON.stringify([digest, Math.ceil(codes / 2)])).toString('base64url');
}

async function someRedemptions({ giftCode }: Stage, count: number): Promise<string[]> {
  const { rows } = await giftCode.reads.query<{ id: string }>('select id from redemptions order by random() limit $1', [
    count,
  ]);
  return rows.map(({ id }) => id);
}

// biome-ignore lint/suspicious/noExplicitAny: a bench reads what the API answers
async function getJson(connection: HttpConnection, path: string): Promise<any> {
  const { status, body } = await connection.get(path);
  if (status !== 200) throw new Error(`${path} answered ${status}: ${body}`);
  return JSON.parse(body);
}

/** Times `count` reads, and what comes `before` each is not timed. A list that answers nothing is no read. */
async function timed(
  { progress, signal }: Stage,
  name: string,
  count: number,
  get: (index: number) => Promise<{ items?: unknown[] }>,
  before: () => Promise<unknown> = async () => undefined,
): Promise<Result> {
  const latencies = new Latencies();
  for (let index = 0; index < count; index++) {
    signal.throwIfAborted();
    await before();
    const begun = performance.now();
    const { items } = await get(index);
    latencies.record(performance.now() - begun);
    if (items?.length === 0) throw new Error(`${name} answered an empty list`);
  }
  const [p50, p95] = [rounded(latencies.percentile(50)), rounded(latencies.percentile(95))];
  progress(`${name}: ${count} reads, p50 ${p50} ms, p95 ${p95} ms`);
  return { [`${name}_p50_ms`]: p50, [`${name}_p95_ms`]: p95 };
}

/** @throws Error where the statistics are not those of the codes that were made and redeemed */
function assertStats(
  { progress }: Stage,
  stats: { codes: { total: number; used: number; unused: number }; redemptions: { completed: number } },
  codes: number,
  used: number,
): void {
  const { total, used: usedCodes, unused } = stats.codes;
  const isExact =
    total === codes && usedCodes === used && unused === codes - used && stats.redemptions.completed === used;
  if (!isExact) throw new Error(`not exact: ${codes} codes, ${used} redeemed, but ${JSON.stringify(stats)}`);
  progress(`Exact: the statistics tell ${total} codes, of which ${usedCodes} used`);
}

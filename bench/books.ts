import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'nats';
import { readConfig } from '../platform/config.ts';
import type { Stage } from './stage.ts';

/** What both databases hold at a moment. */
interface Books {
  completed: number;
  /** Redemptions that are neither completed nor refused. */
  others: number;
  /** Codes whose counters are not those of their redemptions. */
  wrongCodes: number;
  transfers: number;
  /** Wallets whose balance is not the sum of their transfers. */
  wrongWallets: number;
}

/** Reads the books while nobody writes. */
async function readBooks({ giftCode, wallet }: Stage): Promise<Books> {
  const codes = await giftCode.reads.query(`select
    (select count(*) from redemptions where state = 'completed')::integer as completed,
    (select count(*) from redemptions where state not in ('completed', 'refused'))::integer as others,
    (select count(*) from codes c
      left join (select code_id, count(*) as uses from redemptions where state = 'completed' group by code_id) r
        on r.code_id = c.id
      where c.reserved <> 0 or c.redeemed <> coalesce(r.uses, 0))::integer as "wrongCodes"`);
  const wallets = await wallet.reads.query(`select
    (select count(*) from transfers where kind = 'redemption')::integer as transfers,
    (select count(*) from wallets w
      left join (select credit_account, sum(amount) as credited from transfers group by credit_account) t
        on t.credit_account = w.id
      where w.balance <> coalesce(t.credited, 0))::integer as "wrongWallets"`);
  return { ...codes.rows[0], ...wallets.rows[0] };
}

/**
 * Checks that redemptions happened exactly once: one completed, with one transfer, for each that was answered as
 * completed, and every counter and balance the sum of its rows.
 *
 * @param unsure requests that got another answer or none: these may have completed, too
 * @throws Error with the books
 */
export async function assertExact(stage: Stage, answered: number, unsure: number): Promise<void> {
  const books = await readBooks(stage);
  const { completed } = books;
  const isExact =
    completed >= answered &&
    completed <= answered + unsure &&
    books.transfers === completed &&
    books.wrongCodes === 0 &&
    books.wrongWallets === 0 &&
    (books.others === 0 || unsure > 0);
  if (!isExact) throw new Error(`not exact: ${JSON.stringify({ answered, unsure, ...books })}`);
  stage.progress(`Exact: ${answered} answers, ${completed} completed redemptions, as many transfers, all sums right`);
}

const DRAIN_MS = 120_000;
const POLL_MS = 50;

/** Waits until every event is in the stream. @returns seconds @throws Error when one stays away, or the stream lacks one */
export async function drainOutboxes(stage: Stage, eventsBefore: number): Promise<number> {
  const begun = performance.now();
  const databases = [stage.giftCode, stage.wallet];
  const waiting = 'select exists (select from outbox_batches where published_at is null) as waiting';
  for (;;) {
    const found = await Promise.all(databases.map((database) => database.reads.query(waiting)));
    if (!found.some(({ rows }) => rows[0].waiting)) break;
    if (performance.now() - begun > DRAIN_MS) throw new Error('the outboxes do not empty');
    await sleep(POLL_MS, undefined, { signal: stage.signal });
  }
  const seconds = (performance.now() - begun) / 1_000;
  const events = (await countEvents(stage)) - eventsBefore;
  const messages = await countMessages(stage);
  if (messages !== events) throw new Error(`${events} events, but ${messages} messages in the stream`);
  stage.progress(`All ${events} events are in the stream, ${seconds.toFixed(1)} s after the last answer`);
  return seconds;
}

/** Events in both outboxes, published or not. */
export async function countEvents({ giftCode, wallet }: Stage): Promise<number> {
  const counts = await Promise.all(
    [giftCode, wallet].map((database) =>
      database.reads.query('select coalesce(sum(event_count), 0)::integer as events from outbox_batches'),
    ),
  );
  return counts.reduce((sum, { rows }) => sum + rows[0].events, 0);
}

async function countMessages({ urls }: Stage): Promise<number> {
  const nats = await connect({ servers: urls.nats });
  try {
    const manager = await nats.jetstreamManager();
    return (await manager.streams.info(readConfig().nats.stream)).state.messages;
  } finally {
    await nats.close();
  }
}

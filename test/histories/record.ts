/**
 * Records the histories that `test/replay.test.ts` replays, from the instance that runs here:
 *
 *     npm start                             # in one terminal, with nothing else going on
 *     npx tsx test/histories/record.ts      # in another
 *
 * And those of parts that run apart over its servers, with TEMPORAL_TASK_QUEUE=apart (docs/operations.md), from their gateway:
 *
 *     npx tsx test/histories/record.ts apart- http://127.0.0.1:8080 ADMIN_KEY
 *
 * `reversed-unnoted` is of a version before, whose reversals had no note. A history that is there stays; delete one to record it anew, only with a new version of its workflow that is kept apart from
 * the old one (`patched`): stored histories stand for the workflows that are open in somebody's Temporal while they update.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import pg from 'pg';

const folder = fileURLToPath(new URL('.', import.meta.url));
const checkout = fileURLToPath(new URL('../..', import.meta.url));

async function record(prefix = '', api?: string, key?: string): Promise<void> {
  const home = fileURLToPath(new URL('../../.vouchsafe/', import.meta.url));
  const run = JSON.parse(await readFile(`${home}run.json`, 'utf8'));
  const connection = await Connection.connect({ address: run.temporal });
  const client = new Client({ connection });
  const wallet = new pg.Pool({ connectionString: run.databases.wallet, max: 2 });
  const call = async (path: string, body: unknown, wait = 20) => {
    const response = await fetch((api ?? run.api) + path, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key ?? run.admin_key}`, 'Content-Type': 'application/json', Prefer: `wait=${wait}` },
      body: JSON.stringify(body),
    });
    // biome-ignore lint/suspicious/noExplicitAny: a script reads what the API answers
    return (await response.json()) as any;
  };
  const codes = async (count: number) =>
    (await call('/v1/code-groups', { name: 'Recorded', amount: { value: 100, currency: 'USD' }, count })).codes as { code: string }[];
  const phone = (index: number) => `+1202555${String(1000 + index).slice(-4)}`;
  const save = async (name: string, workflowId: string) => {
    await client.workflow.getHandle(workflowId).result();
    const file = `${folder}${prefix}${name}.json`;
    if (existsSync(file)) return;
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    // Stacks of errors tell where the checkout is.
    const text = JSON.stringify(JSON.parse(historyToJSON(history))).replaceAll(checkout, '/app/');
    await writeFile(file, `${text}\n`);
    console.log(file, workflowId);
  };
  /** Whether a redemption's workflow says that it waits. */
  const isShown = async (workflowId: string) => {
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    return events?.some((event) => event.upsertWorkflowSearchAttributesEventAttributes);
  };
  const breakerCloses = () => new Promise((resolve) => setTimeout(resolve, 3_000));

  const [one] = await codes(1);
  const completed = await call('/v1/redemptions', { code: one?.code, phone: phone(100) });
  await save('one-completed', completed.workflow_id);
  // These are the same apart.
  if (prefix === '') {
    await call(`/v1/redemptions/${completed.id}/reverse`, { reason: 'recorded', code: 'free' });
    await save('reversed', `reversal-${completed.id}`);

    const large = { name: 'Recorded', amount: { value: 100, currency: 'USD' }, count: 250_000 };
    await save('generated', `generation-${(await call('/v1/code-groups', large)).id}`);
  }

  const many = await codes(20);
  const frozen = await call('/v1/wallets', { phone: phone(119) });
  await wallet.query(`update wallets set state = 'frozen' where id = $1`, [frozen.id ?? frozen.wallet_id]);
  const answers = await Promise.all(many.map(({ code }, index) => call('/v1/redemptions', { code, phone: phone(100 + index) })));
  const batch = answers.find(({ workflow_id: id }) => id?.startsWith('redemptions-'));
  await save('many-one-refused', batch.workflow_id);

  for (const [name, abort] of [['stuck-completed', false], ['stuck-aborted', true]] as const) {
    const [stuck] = await codes(1);
    const lock = await wallet.connect();
    await lock.query('begin');
    await lock.query('select from wallets where phone = $1 for update', [phone(101)]);
    const { id } = await call('/v1/redemptions', { code: stuck?.code, phone: phone(101) }, 0);
    while (!(await isShown(`redemption-${id}`))) await new Promise((resolve) => setTimeout(resolve, 500));
    if (abort) await call(`/v1/redemptions/${id}/abort`, { reason: 'recorded' }, 0);
    await lock.query('rollback');
    lock.release();
    await save(name, `redemption-${id}`);
    await breakerCloses();
  }

  const split = await codes(12);
  const lock = await wallet.connect();
  await lock.query('begin');
  await lock.query('select from wallets where phone = $1 for update', [phone(101)]);
  const accepted = await Promise.all(split.map(({ code }, index) => call('/v1/redemptions', { code, phone: phone(100 + index) }, 0)));
  const { rows } = await new pg.Pool({ connectionString: run.databases.gift_code, max: 1 }).query(
    `select workflow_id from redemptions where id = any($1) and workflow_id like 'redemptions-%' limit 1`,
    [accepted.map(({ id }) => id)],
  );
  await client.workflow.getHandle(rows[0].workflow_id).result();
  await lock.query('rollback');
  lock.release();
  await save('many-split', rows[0].workflow_id);
  if (prefix !== '') await save('probe', 'apart-probe-wallet');
  process.exit(0);
}

record(...process.argv.slice(2));

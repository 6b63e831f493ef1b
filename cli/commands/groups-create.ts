import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { parseDecimalAmount } from '../../platform/money.ts';
import type { CodeGroup } from '../api-types.ts';
import { type Cli, idempotencyKey, type JsonOption } from '../cli.ts';
import { path } from '../client.ts';
import { downloadCodes, requireNewFile } from '../codes-download.ts';
import { type GivenCode, parseCodesFile, toCsv } from '../codes-file.ts';
import { type ImportReport, readCodesFile } from '../codes-import.ts';
import { CliError, EXIT, usageError } from '../errors.ts';
import { amountOf, dataCommand, idempotencyOption, jsonObject, positiveInteger } from '../options.ts';
import type { Output } from '../output.ts';
import { showGroup } from '../views/group.ts';

interface CreateOptions extends JsonOption {
  name: string;
  amount: string;
  currency?: string;
  count?: number;
  code?: string;
  maxRedemptions?: number;
  codesFile?: string;
  prefix?: string;
  startsAt?: string;
  endsAt?: string;
  perWalletLimit?: number;
  budget?: string;
  metadata?: object;
  out?: string;
  idempotencyKey?: string;
}

/** Most given codes sent with a new group; the rest is imported in chunks. */
const CODES_WITH_GROUP = 1_000;
const IMPORT_CHUNK = 10_000;
const POLL_MS = 500;

const EXAMPLE = 'groups create --name Eid --amount 10.00 --count 1000 --prefix EID --out codes.csv';

export function addGroupsCreate(groups: Command, cli: Cli): void {
  dataCommand(groups, 'create', 'make a code group and its codes', EXAMPLE)
    .option('--name <text>')
    .option('--amount <decimal>', 'what each code is worth, such as 10.00')
    .option(
      '--currency <code>',
      'ISO 4217 code (default: VOUCHSAFE_CURRENCY, else that of the instance here, else USD)',
    )
    .option('--count <n>', 'how many codes to generate', positiveInteger)
    .addOption(new Option('--code <text>', 'one given code, such as WELCOME2026').conflicts('count'))
    .option('--max-redemptions <n>', 'how often the code of --code can be redeemed (default: 1)', positiveInteger)
    .addOption(new Option('--codes-file <csv>', 'given codes: code,max_redemptions').conflicts(['count', 'code']))
    .option('--prefix <text>', 'shown before generated codes')
    .option('--starts-at <time>', 'redeemable from then on, such as 2026-03-20T00:00:00+03:30')
    .option('--ends-at <time>', 'redeemable until then')
    .option('--per-wallet-limit <n>', 'redemptions a wallet may make in this group', positiveInteger)
    .option('--budget <decimal>', 'what all its codes may credit together, such as 5000.00')
    .option('--metadata <json>', 'what is kept with the group, as a JSON object', jsonObject)
    .option('--out <csv>', 'write the codes to this new file')
    .addOption(idempotencyOption())
    .action(async (options: Partial<CreateOptions>) => {
      const asksAll = Object.keys(options).length === 0 && cli.isInteractive();
      await createGroup(cli, asksAll ? await askForGroup(cli) : complete(options));
    });
}

/** @throws CliError that names what is missing */
function complete({ name, amount, ...options }: Partial<CreateOptions>): CreateOptions {
  if (name === undefined) throw usageError('--name is needed');
  if (amount === undefined) throw usageError('--amount is needed');
  return { ...options, name, amount };
}

/** Asks for what a group must have, and for what it mostly has; what is left empty is left out. */
async function askForGroup(cli: Cli): Promise<CreateOptions> {
  const { currency } = cli.settings();
  const answers = await cli.ask({
    name: { question: 'Name of the group:', check: (text) => text !== '' },
    amount: { question: `What each code is worth, in ${currency}:`, check: (text) => isAmount(text, currency) },
    count: { question: 'How many codes:', check: (text) => /^[1-9]\d{0,6}$/.test(text) },
    prefix: { question: 'Prefix of the codes, if any:', check: (text) => /^[A-Za-z0-9]{0,16}$/.test(text) },
    endsAt: { question: 'Redeemable until, such as 2026-04-01T00:00:00Z, if that ends:', check: isTimeOrNone },
    out: { question: 'File to write the codes to, if any:', check: () => true },
  });
  const { name, amount, count, ...optional } = answers;
  const given = Object.fromEntries(Object.entries(optional).filter(([, text]) => text !== ''));
  return { name, amount, count: Number(count), ...given };
}

const isAmount = (text: string, currency: string) => parseDecimalAmount(text, currency).ok;

const isTimeOrNone = (text: string) => text === '' || !Number.isNaN(Date.parse(text));

async function createGroup(cli: Cli, options: CreateOptions): Promise<void> {
  const given = givenCodes(options);
  if (options.out !== undefined) requireNewFile(options.out);
  const key = idempotencyKey(options);
  const group = await cli.client().request<CodeGroup>('POST', '/v1/code-groups', {
    body: groupBody(options, options.currency ?? cli.settings().currency, given?.slice(0, CODES_WITH_GROUP)),
    idempotencyKey: key,
  });
  cli.note(`made group ${group.id}`);
  const rest = given?.slice(CODES_WITH_GROUP) ?? [];
  await importCodes(cli, group, rest, key);
  const finished = rest.length > 0 ? await readGroup(cli, group.id) : await generated(cli, group);
  if (options.out !== undefined) await downloadCodes(cli, group.id, options.out);
  cli.print(options, finished, (out) => showCreated(out, finished, options.out === undefined));
}

/** What `--code` or `--codes-file` gives; undefined where codes are generated. */
function givenCodes(options: CreateOptions): GivenCode[] | undefined {
  if (options.maxRedemptions !== undefined && options.code === undefined) {
    throw usageError('--max-redemptions belongs to --code; generated codes are redeemed once');
  }
  if (options.code !== undefined) return [{ code: options.code, max_redemptions: options.maxRedemptions ?? 1 }];
  if (options.codesFile !== undefined) return parseCodesFile(readCodesFile(options.codesFile));
  if (options.count === undefined) throw usageError('one of --count, --code and --codes-file is needed');
  return undefined;
}

function groupBody(options: CreateOptions, currency: string, given: GivenCode[] | undefined): object {
  return {
    name: options.name,
    amount: amountOf(options.amount, currency),
    ...(given ? { codes: given } : { count: options.count }),
    ...(options.prefix !== undefined && { prefix: options.prefix }),
    ...(options.startsAt !== undefined && { starts_at: options.startsAt }),
    ...(options.endsAt !== undefined && { ends_at: options.endsAt }),
    ...(options.perWalletLimit !== undefined && { per_wallet_limit: options.perWalletLimit }),
    ...(options.budget !== undefined && { budget: amountOf(options.budget, currency) }),
    ...(options.metadata !== undefined && { metadata: options.metadata }),
  };
}

/** Adds given codes in chunks, each under a key of its own, so that a repeat of the command repeats nothing. */
async function importCodes(cli: Cli, group: CodeGroup, codes: GivenCode[], key: string): Promise<void> {
  if (codes.length === 0) return;
  await cli.withProgress('Importing', codes.length, async (update) => {
    for (let start = 0; start < codes.length; start += IMPORT_CHUNK) {
      const chunk = codes.slice(start, start + IMPORT_CHUNK);
      const request = { body: toCsv(chunk), idempotencyKey: `${key}/${start}` };
      const report = await cli.client().request<ImportReport>('POST', path`/v1/code-groups/${group.id}/codes`, request);
      if (report.duplicates > 0) cli.note(`${report.duplicates} codes exist already and were left out`);
      for (const { line, reason } of report.invalid) cli.note(`${chunk[line - 2]?.code ?? `line ${line}`}: ${reason}`);
      update(start + chunk.length);
    }
  });
}

/** Waits until the group's codes are made. @throws CliError when that was cancelled or failed */
async function generated(cli: Cli, created: CodeGroup): Promise<CodeGroup> {
  if (created.generation?.state !== 'running') return created;
  const group = await cli.withProgress('Generating', created.generation.total, async (update) => {
    for (;;) {
      const current = await readGroup(cli, created.id);
      if (current.generation?.state !== 'running') return current;
      update(current.generation.made);
      await sleep(POLL_MS);
    }
  });
  if (group.generation && group.generation.state !== 'done') {
    const { state, made, total } = group.generation;
    throw new CliError(EXIT.refused, `generation ${state}: group ${group.id} has ${made} of ${total} codes`);
  }
  return group;
}

const readGroup = (cli: Cli, id: string) => cli.client().request<CodeGroup>('GET', path`/v1/code-groups/${id}`);

function showCreated(out: Output, group: CodeGroup, withCodes: boolean): void {
  showGroup(out, group);
  if (!withCodes || !group.codes) return;
  out.line();
  for (const { code } of group.codes) out.line(code);
}

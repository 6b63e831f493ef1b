import type { Command } from 'commander';
import type { Code, CodeGroup, GroupStats, Redeemer } from '../api-types.ts';
import type { Cli, JsonOption } from '../cli.ts';
import { path } from '../client.ts';
import { downloadCodes, printCodes, requireNewFile } from '../codes-download.ts';
import {
  createdBetween,
  dataCommand,
  exampleText,
  type ListOptions,
  listCommand,
  listLimit,
  yesOption,
} from '../options.ts';
import { type Columns, moneyText } from '../output.ts';
import { printList } from '../print-list.ts';
import { groupColumns, showGroup } from '../views/group.ts';
import { showStats } from '../views/group-stats.ts';
import { usedTimes } from './codes.ts';
import { addGroupsCreate } from './groups-create.ts';
import { addGroupsImport } from './groups-import.ts';
import { addGroupsUpdate } from './groups-update.ts';

interface Filters extends ListOptions {
  query?: string;
  state?: string;
}

interface StatsOptions extends JsonOption {
  from?: string;
  to?: string;
  timeZone?: string;
}

export function addGroups(program: Command, cli: Cli): void {
  const groups = program.command('groups').description('code groups: campaigns and their codes');

  addGroupsCreate(groups, cli);
  addGroupsImport(groups, cli);
  addGroupsUpdate(groups, cli);

  listCommand(groups, 'list', 'list code groups, newest first', 'groups list --query Eid')
    .option('--query <text>', 'only those whose name has it')
    .action(async (options: Filters) => {
      const query = { q: options.query, ...createdBetween(options) };
      await printList(cli, options, '/v1/code-groups', query, listLimit(options), groupColumns);
    });

  dataCommand(groups, 'show <id>', 'show a code group', 'groups show 0198c5d2-…').action(
    async (id: string, options: JsonOption) => {
      const group = await cli.client().request<CodeGroup>('GET', path`/v1/code-groups/${id}`);
      cli.print(options, group, showGroup);
    },
  );

  dataCommand(
    groups,
    'stats <id>',
    'how a code group is used, by state and by day',
    'groups stats 0198c5d2-… --from 2026-03-20T00:00:00Z --time-zone Asia/Tehran',
  )
    .option('--from <time>', 'days from this time on')
    .option('--to <time>', 'days before this time')
    .option('--time-zone <name>', 'whose days, such as Asia/Tehran (default: UTC)')
    .action(async (id: string, { from, to, timeZone, ...options }: StatsOptions) => {
      const query = { from, to, time_zone: timeZone };
      const stats = await cli.client().request<GroupStats>('GET', path`/v1/code-groups/${id}/stats`, { query });
      cli.print(options, stats, showStats);
    });

  dataCommand(
    groups,
    'cancel-generation <id>',
    'make no more codes; those made so far stay',
    'groups cancel-generation 0198c5d2-…',
  )
    .addOption(yesOption())
    .action(async (id: string, options: JsonOption & { yes?: boolean }) => {
      await cli.confirm(`Make no more codes of group ${id}?`, options);
      const cancel = path`/v1/code-groups/${id}/cancel-generation`;
      cli.print(options, await cli.client().request<CodeGroup>('POST', cancel, { repeatable: true }), showGroup);
    });

  for (const [verb, disabled] of [
    ['disable', true],
    ['enable', false],
  ] as const) {
    dataCommand(
      groups,
      `${verb} <id>`,
      `switch a code group ${disabled ? 'off' : 'on'}`,
      `groups ${verb} 0198c5d2-…`,
    ).action(async (id: string, options: JsonOption) => {
      const body = { disabled };
      const group = await cli
        .client()
        .request<CodeGroup>('PATCH', path`/v1/code-groups/${id}`, { body, repeatable: true });
      cli.print(options, group, showGroup);
    });
  }

  groups
    .command('export <id>')
    .description('write the codes of a group as CSV')
    .option('--out <csv>', 'to a new file that only you may read (default: to standard output)')
    .addHelpText('after', exampleText('groups export 0198c5d2-… --out codes.csv'))
    .action(async (id: string, { out }: { out?: string }) => {
      if (out === undefined) return await printCodes(cli, id);
      requireNewFile(out);
      await downloadCodes(cli, id, out);
    });

  listCommand(groups, 'redeemers <id>', 'list who redeemed codes of a group', 'groups redeemers 0198c5d2-…').action(
    async (id: string, options: ListOptions) => {
      const query = createdBetween(options);
      await printList(cli, options, path`/v1/code-groups/${id}/redeemers`, query, listLimit(options), redeemerColumns);
    },
  );

  listCommand(groups, 'codes <id>', 'list the codes of a group', 'groups codes 0198c5d2-… --state unused --all')
    .option('--state <state>', 'unused, partly_used, used, reserved or disabled')
    .action(async (id: string, options: Filters) => {
      const query = { state: options.state, ...createdBetween(options) };
      await printList(cli, options, path`/v1/code-groups/${id}/codes`, query, listLimit(options), codeColumns);
    });
}

const redeemerColumns: Columns<Redeemer> = {
  PHONE: (redeemer) => redeemer.phone,
  REDEMPTIONS: (redeemer) => redeemer.redemptions,
  CREDITED: (redeemer) => moneyText(redeemer.credited),
  LAST: (redeemer) => redeemer.last_redeemed_at,
};

const codeColumns: Columns<Code> = {
  ID: (code) => code.id,
  CODE: (code) => code.code ?? (code.last4 && `…${code.last4}`),
  STATE: (code) => code.state,
  USED: usedTimes,
  MAX: (code) => code.max_redemptions,
  PHONE: (code) => code.redemption?.phone,
  REDEEMED: (code) => code.redemption?.completed_at,
};

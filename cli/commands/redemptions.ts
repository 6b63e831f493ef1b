import { type Command, Option } from 'commander';
import type { Redemption } from '../api-types.ts';
import type { Cli, JsonOption } from '../cli.ts';
import { path } from '../client.ts';
import { createdBetween, dataCommand, type ListOptions, listCommand, listLimit, yesOption } from '../options.ts';
import { printList } from '../print-list.ts';
import { noteUnfinished, redemptionColumns, showRedemption, stuckColumns } from '../views/redemption.ts';

interface Filters extends ListOptions {
  phone?: string;
  group?: string;
  code?: string;
  state?: string;
  reference?: string;
  stuck?: boolean;
}

interface AbortOptions extends JsonOption {
  reason: string;
  yes?: boolean;
}

interface ReverseOptions extends AbortOptions {
  voidCode?: boolean;
}

export function addRedemptions(program: Command, cli: Cli): void {
  const redemptions = program.command('redemptions').description('where redemptions stand');

  listCommand(redemptions, 'list', 'list redemptions, newest first', 'redemptions list --phone +989121234567')
    .option('--phone <phone>')
    .option('--group <id>')
    .option('--code <id>')
    .option('--state <state>', 'reserved, completed, released, refused or reversed')
    .option('--reference <text>')
    .option('--stuck', 'only those that wait for something')
    .action(async (options: Filters) => {
      const { phone, group: group_id, code: code_id, state, reference, stuck } = options;
      const query = { phone, group_id, code_id, state, reference, stuck, ...createdBetween(options) };
      await printList(cli, options, '/v1/redemptions', query, listLimit(options), redemptionColumns);
    });

  dataCommand(redemptions, 'show <id>', 'show a redemption and its trace', 'redemptions show 0198c5d2-…').action(
    async (id: string, options: JsonOption) => {
      const redemption = await cli.client().request<Redemption>('GET', path`/v1/redemptions/${id}`);
      cli.print(options, redemption, showRedemption);
    },
  );

  dataCommand(redemptions, 'abort <id>', 'undo an unfinished redemption', 'redemptions abort 0198c5d2-… --reason fraud')
    .requiredOption('--reason <text>', 'required; kept with the redemption')
    .addOption(yesOption())
    .action(async (id: string, options: AbortOptions) => {
      await cli.confirm(`Abort redemption ${id}?`, options);
      const redemption = await cli.client().request<Redemption>('POST', path`/v1/redemptions/${id}/abort`, {
        body: { reason: options.reason },
        repeatable: true,
      });
      cli.print(options, redemption, showRedemption);
      noteUnfinished(cli, redemption);
    });

  listCommand(redemptions, 'stuck', 'list those that wait for something', 'redemptions stuck').action(
    async (options: ListOptions) => {
      const query = { stuck: true, ...createdBetween(options) };
      await printList(cli, options, '/v1/redemptions', query, listLimit(options), stuckColumns);
    },
  );

  dataCommand(
    redemptions,
    'retry <id>',
    'try what a redemption is stuck at again, now',
    'redemptions retry 0198c5d2-…',
  ).action(async (id: string, options: JsonOption) => {
    const redemption = await cli.client().request<Redemption>('POST', path`/v1/redemptions/${id}/retry`, {
      body: {},
      repeatable: true,
    });
    cli.print(options, redemption, showRedemption);
    noteUnfinished(cli, redemption);
  });

  dataCommand(
    redemptions,
    'retry-stuck',
    'try all that are stuck at a step again, now',
    'redemptions retry-stuck --step credit',
  )
    .addOption(
      new Option('--step <step>', 'which they are stuck at')
        .choices([
          'reserve',
          'credit',
          'confirm',
          'void',
          'release',
          'check-reversal',
          'reverse-credit',
          'reverse-redemption',
          'give-up-reversal',
        ])
        .makeOptionMandatory(),
    )
    .action(async ({ step, ...options }: JsonOption & { step: string }) => {
      const retried = await cli.client().request<{ step: string; retried: number }>('POST', '/v1/redemptions/retry', {
        body: { step },
        repeatable: true,
      });
      cli.print(options, retried, (out) => out.details(retried));
    });

  dataCommand(
    redemptions,
    'reverse <id>',
    'take a completed redemption back',
    'redemptions reverse 0198c5d2-… --reason refund',
  )
    .requiredOption('--reason <text>', 'required; kept with the redemption')
    .option('--void-code', 'leave the use of the code spent (default: it is free again)')
    .addOption(yesOption())
    .action(async (id: string, options: ReverseOptions) => {
      await cli.confirm(`Take back redemption ${id}, debiting its wallet?`, options);
      const redemption = await cli.client().request<Redemption>('POST', path`/v1/redemptions/${id}/reverse`, {
        body: { reason: options.reason, code: options.voidCode ? 'void' : 'free' },
        repeatable: true,
      });
      cli.print(options, redemption, showRedemption);
      if (redemption.state !== 'reversed') {
        cli.note(`the reversal is not finished yet; see: vouchsafe redemptions show ${redemption.id}`);
      }
    });
}

import type { Command } from 'commander';
import type { CodeGroup } from '../api-types.ts';
import type { Cli, JsonOption } from '../cli.ts';
import { path } from '../client.ts';
import { usageError } from '../errors.ts';
import { amountOf, dataCommand, jsonObject, positiveInteger } from '../options.ts';
import { showGroup } from '../views/group.ts';

const NONE = 'none';

interface UpdateOptions extends JsonOption {
  name?: string;
  startsAt?: string;
  endsAt?: string;
  perWalletLimit?: number | typeof NONE;
  budget?: string;
  metadata?: object;
}

export function addGroupsUpdate(groups: Command, cli: Cli): void {
  dataCommand(
    groups,
    'update <id>',
    'change a code group; none takes a limit away',
    'groups update 0198c5d2-… --ends-at none',
  )
    .option('--name <text>')
    .option('--starts-at <time>', 'redeemable from then on, such as 2026-03-20T00:00:00+03:30; or none')
    .option('--ends-at <time>', 'redeemable until then; or none')
    .option('--per-wallet-limit <n>', 'redemptions a wallet may make in this group; or none', numberOrNone)
    .option('--budget <decimal>', 'what all its codes may credit together, such as 5000.00; or none')
    .option('--metadata <json>', 'what is kept with the group, as a JSON object', jsonObject)
    .action(async (id: string, options: UpdateOptions) => {
      const { name, startsAt, endsAt, perWalletLimit, budget, metadata } = options;
      const group = path`/v1/code-groups/${id}`;
      const body = {
        name,
        starts_at: nullForNone(startsAt),
        ends_at: nullForNone(endsAt),
        per_wallet_limit: nullForNone(perWalletLimit),
        budget:
          budget === undefined || budget === NONE
            ? nullForNone(budget)
            : amountOf(budget, await currencyOf(cli, group)),
        metadata,
      };
      if (Object.values(body).every((value) => value === undefined)) throw usageError('nothing to change was given');
      cli.print(options, await cli.client().request<CodeGroup>('PATCH', group, { body }), showGroup);
    });
}

const currencyOf = async (cli: Cli, group: string) =>
  (await cli.client().request<CodeGroup>('GET', group)).amount.currency;

const numberOrNone = (text: string) => (text === NONE ? NONE : positiveInteger(text));

const nullForNone = <T>(value: T | undefined) => (value === NONE ? null : value);

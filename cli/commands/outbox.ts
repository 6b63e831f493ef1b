import { type Command, Option } from 'commander';
import type { OutboxPart } from '../api-types.ts';
import type { Cli, JsonOption } from '../cli.ts';
import { dataCommand, yesOption } from '../options.ts';
import type { Columns } from '../output.ts';

interface ReplayOptions extends JsonOption {
  part: string;
  from: string;
  to: string;
  yes?: boolean;
}

export function addOutbox(program: Command, cli: Cli): void {
  const outbox = program.command('outbox').description('the publishing of events');

  dataCommand(outbox, 'status', 'how far publishing is behind, by part', 'outbox status').action(
    async (options: JsonOption) => {
      const status = await cli.client().request<{ parts: OutboxPart[] }>('GET', '/v1/outbox');
      cli.print(options, status, (out) => out.table(status.parts, columns));
    },
  );

  dataCommand(
    outbox,
    'replay',
    'publish events again, to rebuild a lost stream',
    'outbox replay --part wallet --from 2026-03-20T00:00:00Z --to 2026-03-21T00:00:00Z',
  )
    .addOption(new Option('--part <part>', 'whose events').choices(['gift-code', 'wallet']).makeOptionMandatory())
    .requiredOption('--from <time>', 'written at this time or later')
    .requiredOption('--to <time>', 'written before this time')
    .addOption(yesOption())
    .action(async ({ part, from, to, yes, ...options }: ReplayOptions) => {
      await cli.confirm(`Publish the events of ${part} from ${from} to ${to} again?`, { ...(yes && { yes }) });
      const replayed = await cli
        .client()
        .request<{ part: string; replayed: number }>('POST', '/v1/outbox/replay', { body: { part, from, to } });
      cli.print(options, replayed, (out) => out.details(replayed));
    });
}

const columns: Columns<OutboxPart> = {
  PART: (part) => part.part,
  UNPUBLISHED: (part) => part.unpublished,
  'LAG SECONDS': (part) => part.lag_seconds.toFixed(1),
  'OLDEST WAITING': (part) => part.oldest_unpublished_at,
  'LAST PUBLISHED': (part) => part.last_published_at,
  'KEPT SINCE': (part) => part.kept_since,
};

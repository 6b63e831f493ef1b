import type { Command } from 'commander';
import type { AuditEntry } from '../api-types.ts';
import type { Cli } from '../cli.ts';
import { createdBetween, type ListOptions, listCommand, listLimit } from '../options.ts';
import type { Columns } from '../output.ts';
import { printList } from '../print-list.ts';

interface Filters extends ListOptions {
  actor?: string;
  action?: string;
  resource?: string;
}

export function addAudit(program: Command, cli: Cli): void {
  listCommand(
    program,
    'audit',
    'who changed or revealed what, newest first',
    'audit --actor till-7 --action wallet.credit',
  )
    .option('--actor <client|key>', "a client's name or id, or a key's id")
    .option('--action <action>', 'such as code_group.create')
    .option('--resource <id|type>', 'such as wallet')
    .action(async (options: Filters) => {
      const { actor, action, resource } = options;
      const query = { actor, action, resource, ...createdBetween(options) };
      await printList(cli, options, '/v1/audit-log', query, listLimit(options), auditColumns);
    });
}

const auditColumns: Columns<AuditEntry> = {
  TIME: (entry) => entry.created_at,
  ACTOR: (entry) => entry.actor.name,
  FROM: (entry) => entry.remote_address,
  ACTION: (entry) => entry.action,
  OUTCOME: (entry) => entry.outcome,
  RESOURCE: (entry) => entry.resource.id,
  BEFORE: (entry) => entry.before && JSON.stringify(entry.before),
  AFTER: (entry) => entry.after && JSON.stringify(entry.after),
};

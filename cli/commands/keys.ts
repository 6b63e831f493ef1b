import { type Command, Option } from 'commander';
import type { ApiKey } from '../api-types.ts';
import { type Cli, idempotencyKey, type JsonOption } from '../cli.ts';
import { path } from '../client.ts';
import {
  createdBetween,
  dataCommand,
  idempotencyOption,
  type ListOptions,
  listCommand,
  listLimit,
  yesOption,
} from '../options.ts';
import type { Columns, Output } from '../output.ts';
import { printList } from '../print-list.ts';

interface CreateOptions extends JsonOption {
  name: string;
  scope: string[];
  idempotencyKey?: string;
}

interface RotateOptions extends JsonOption {
  yes?: boolean;
  idempotencyKey?: string;
}

export function addKeys(program: Command, cli: Cli): void {
  const keys = program.command('keys').description('API keys and what they may do');

  dataCommand(keys, 'create', 'make a key for a new client', 'keys create --name till-7 --scope redemptions:write')
    .requiredOption('--name <name>', 'of the client')
    .addOption(new Option('--scope <scope...>', 'such as redemptions:write groups:read').makeOptionMandatory())
    .addOption(idempotencyOption())
    .action(async (options: CreateOptions) => {
      const key = await cli.client().request<ApiKey>('POST', '/v1/api-keys', {
        body: { name: options.name, scopes: options.scope },
        idempotencyKey: idempotencyKey(options),
      });
      printNew(cli, options, key);
    });

  listCommand(keys, 'list', 'list keys, newest first', 'keys list').action(async (options: ListOptions) => {
    await printList(cli, options, '/v1/api-keys', createdBetween(options), listLimit(options), keyColumns);
  });

  dataCommand(keys, 'show <id>', 'show a key, without itself', 'keys show 0198c5d2-…').action(
    async (id: string, options: JsonOption) => {
      cli.print(options, await cli.client().request<ApiKey>('GET', path`/v1/api-keys/${id}`), showKey);
    },
  );

  dataCommand(keys, 'rotate <id>', 'replace a key; the old one stops at once', 'keys rotate 0198c5d2-…')
    .addOption(yesOption())
    .addOption(idempotencyOption())
    .action(async (id: string, options: RotateOptions) => {
      await cli.confirm(`Replace key ${id}? It stops at once.`, options);
      const key = await cli.client().request<ApiKey>('POST', path`/v1/api-keys/${id}/rotate`, {
        idempotencyKey: idempotencyKey(options),
      });
      printNew(cli, options, key);
    });

  dataCommand(keys, 'revoke <id>', 'end a key for good', 'keys revoke 0198c5d2-…')
    .addOption(yesOption())
    .action(async (id: string, options: RotateOptions) => {
      await cli.confirm(`Revoke key ${id} for good?`, options);
      const client = cli.client();
      await client.request<null>('DELETE', path`/v1/api-keys/${id}`);
      cli.print(options, await client.request<ApiKey>('GET', path`/v1/api-keys/${id}`), showKey);
    });
}

function printNew(cli: Cli, options: JsonOption, key: ApiKey): void {
  cli.print(options, key, showKey);
  cli.note(key.key ? 'the key is shown this once' : 'the key was shown before; rotate it if it is lost');
}

const keyColumns: Columns<ApiKey> = {
  ID: (key) => key.id,
  NAME: (key) => key.name,
  KEY: (key) => `…${key.last4}`,
  SCOPES: (key) => key.scopes.join(' '),
  'LAST USED': (key) => key.last_used_at,
  REVOKED: (key) => key.revoked_at,
  CREATED: (key) => key.created_at,
};

export function showKey(out: Output, key: ApiKey): void {
  out.details({
    id: key.id,
    name: key.name,
    key: key.key ?? `…${key.last4}`,
    scopes: key.scopes.join(' '),
    created: key.created_at,
    'last used': key.last_used_at ?? undefined,
    revoked: key.revoked_at ?? undefined,
  });
}

import { type Command, Option } from 'commander';
import type { WebhookDelivery, WebhookEndpoint } from '../api-types.ts';
import { type Cli, idempotencyKey, type JsonOption } from '../cli.ts';
import { path } from '../client.ts';
import { usageError } from '../errors.ts';
import {
  createdBetween,
  dataCommand,
  exampleText,
  idempotencyOption,
  type ListOptions,
  listCommand,
  listLimit,
  yesOption,
} from '../options.ts';
import type { Columns, Output } from '../output.ts';
import { printList } from '../print-list.ts';

interface Repeatable extends JsonOption {
  idempotencyKey?: string;
}

interface CreateOptions extends Repeatable {
  event: string[];
}

interface UpdateOptions extends JsonOption {
  url?: string;
  event?: string[];
  disable?: boolean;
  enable?: boolean;
}

interface Confirmed extends JsonOption {
  yes?: boolean;
}

export function addWebhooks(program: Command, cli: Cli): void {
  const webhooks = program.command('webhooks').description('where events are sent to');

  dataCommand(webhooks, 'create <url>', 'send events to an address', 'webhooks create https://example.com/hook')
    .addOption(new Option('--event <type...>', 'such as redemption.completed').default(['*'], 'all'))
    .addOption(idempotencyOption())
    .action(async (url: string, options: CreateOptions) => {
      const endpoint = await cli.client().request<WebhookEndpoint>('POST', '/v1/webhook-endpoints', {
        body: { url, event_types: options.event },
        idempotencyKey: idempotencyKey(options),
      });
      cli.print(options, endpoint, showEndpoint);
      cli.note('keep the secret: it verifies what is sent');
    });

  listCommand(webhooks, 'list', 'list endpoints, newest first', 'webhooks list').action(
    async (options: ListOptions) => {
      const limit = listLimit(options);
      await printList(cli, options, '/v1/webhook-endpoints', createdBetween(options), limit, endpointColumns);
    },
  );

  dataCommand(webhooks, 'show <id>', 'show an endpoint', 'webhooks show 0198c5d2-…').action(
    async (id: string, options: JsonOption) => {
      const endpoint = await cli.client().request<WebhookEndpoint>('GET', path`/v1/webhook-endpoints/${id}`);
      cli.print(options, endpoint, showEndpoint);
    },
  );

  dataCommand(webhooks, 'update <id>', 'change an endpoint', 'webhooks update 0198c5d2-… --enable')
    .option('--url <url>', 'where events are sent')
    .option('--event <type...>', 'such as redemption.completed, or *')
    .addOption(new Option('--disable', 'send nothing, and keep no new events').conflicts('enable'))
    .option('--enable', 'send again')
    .action(async (id: string, options: UpdateOptions) => {
      const disabled = options.disable ? true : options.enable ? false : undefined;
      const body = { url: options.url, event_types: options.event, disabled };
      if (Object.values(body).every((value) => value === undefined)) throw usageError('say what to change');
      const endpoint = await cli
        .client()
        .request<WebhookEndpoint>('PATCH', path`/v1/webhook-endpoints/${id}`, { body });
      cli.print(options, endpoint, showEndpoint);
    });

  webhooks
    .command('delete <id>')
    .description('delete an endpoint and what is still to be sent to it')
    .addHelpText('after', exampleText('webhooks delete 0198c5d2-…'))
    .addOption(yesOption())
    .action(async (id: string, options: Confirmed) => {
      await cli.confirm(`Delete endpoint ${id} and its deliveries?`, options);
      await cli.client().request<null>('DELETE', path`/v1/webhook-endpoints/${id}`);
      cli.note('deleted');
    });

  dataCommand(webhooks, 'test <id>', 'send an event and tell what came of it', 'webhooks test 0198c5d2-…')
    .addOption(idempotencyOption())
    .action(async (id: string, options: Repeatable) => {
      const delivery = await cli.client().request<WebhookDelivery>('POST', path`/v1/webhook-endpoints/${id}/test`, {
        idempotencyKey: idempotencyKey(options),
      });
      cli.print(options, delivery, showDelivery);
    });

  dataCommand(
    webhooks,
    'rotate-secret <id>',
    'replace the secret; for 24 hours both sign',
    'webhooks rotate-secret 0198c5d2-…',
  )
    .addOption(yesOption())
    .addOption(idempotencyOption())
    .action(async (id: string, options: Confirmed & Repeatable) => {
      await cli.confirm(`Replace the secret of endpoint ${id}? The old one ends in 24 hours.`, options);
      const rotated = await cli
        .client()
        .request<{ id: string; secret: string }>('POST', path`/v1/webhook-endpoints/${id}/rotate-secret`, {
          idempotencyKey: idempotencyKey(options),
        });
      cli.print(options, rotated, (out) => out.details({ id: rotated.id, secret: rotated.secret }));
    });

  listCommand(
    webhooks,
    'deliveries <id>',
    'what became of the events for an endpoint, newest first',
    'webhooks deliveries 0198c5d2-… --state dead',
  )
    .addOption(new Option('--state <state>', 'dead: given up').choices(['pending', 'delivered', 'dead']))
    .action(async (id: string, options: ListOptions & { state?: string }) => {
      const query = { state: options.state, ...createdBetween(options) };
      const list = path`/v1/webhook-endpoints/${id}/deliveries`;
      await printList(cli, options, list, query, listLimit(options), deliveryColumns);
    });

  dataCommand(webhooks, 'retry <delivery>', 'send again what has not arrived', 'webhooks retry 0198c5d2-…').action(
    async (id: string, options: JsonOption) => {
      const retry = path`/v1/webhook-deliveries/${id}/retry`;
      const delivery = await cli.client().request<WebhookDelivery>('POST', retry, { repeatable: true });
      cli.print(options, delivery, showDelivery);
    },
  );
}

const endpointColumns: Columns<WebhookEndpoint> = {
  ID: (endpoint) => endpoint.id,
  URL: (endpoint) => endpoint.url,
  EVENTS: (endpoint) => endpoint.event_types.join(' '),
  DISABLED: (endpoint) => endpoint.disabled_reason,
  CREATED: (endpoint) => endpoint.created_at,
};

const deliveryColumns: Columns<WebhookDelivery> = {
  ID: (delivery) => delivery.id,
  EVENT: (delivery) => delivery.event_id,
  TYPE: (delivery) => delivery.event_type,
  STATE: (delivery) => delivery.state,
  ATTEMPTS: (delivery) => delivery.attempts,
  ANSWER: (delivery) => delivery.last_status ?? delivery.last_error,
  NEXT: (delivery) => delivery.next_attempt_at,
  CREATED: (delivery) => delivery.created_at,
};

export function showEndpoint(out: Output, endpoint: WebhookEndpoint): void {
  out.details({
    id: endpoint.id,
    url: endpoint.url,
    events: endpoint.event_types.join(' '),
    secret: endpoint.secret,
    disabled: endpoint.disabled_reason ?? undefined,
    created: endpoint.created_at,
  });
}

export function showDelivery(out: Output, delivery: WebhookDelivery): void {
  out.details({
    id: delivery.id,
    event: delivery.event_id,
    type: delivery.event_type,
    state: delivery.state,
    attempts: delivery.attempts,
    answer: delivery.last_status ?? delivery.last_error ?? undefined,
    next: delivery.next_attempt_at ?? undefined,
  });
}

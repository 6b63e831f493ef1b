import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Reconciliation } from '../api-types.ts';
import type { Cli, JsonOption } from '../cli.ts';
import { path } from '../client.ts';
import { CliError, EXIT } from '../errors.ts';
import { createdBetween, dataCommand, type ListOptions, listCommand, listLimit } from '../options.ts';
import { type Columns, moneyText, type Output } from '../output.ts';
import { printList } from '../print-list.ts';

const ASK_EVERY_MS = 1_000;

export function addReconcile(program: Command, cli: Cli): void {
  dataCommand(program, 'reconcile', 'prove the books: exit code 0 if they balance, 1 if not', 'reconcile').action(
    async (options: JsonOption) => {
      const client = cli.client();
      // Whoever asks while a proof is running joins it.
      let found = await client.request<Reconciliation>('POST', '/v1/reconciliations', { body: {}, repeatable: true });
      while (found.state === 'running') {
        cli.note('The books are being read');
        await sleep(ASK_EVERY_MS);
        found = await client.request<Reconciliation>('GET', path`/v1/reconciliations/${found.id}`);
      }
      cli.print(options, found, showReconciliation);
      if (found.state === 'failed') throw new CliError(EXIT.unavailable, `the books could not be read: ${found.error}`);
      if (found.state !== 'balanced') throw new CliError(EXIT.refused, 'the books do not balance');
    },
  );

  listCommand(program, 'reconciliations', 'list proofs of the books, newest first', 'reconciliations').action(
    async (options: ListOptions) => {
      const query = createdBetween(options);
      await printList(cli, options, '/v1/reconciliations', query, listLimit(options), reconciliationColumns);
    },
  );
}

const reconciliationColumns: Columns<Reconciliation> = {
  ID: (found) => found.id,
  STATE: (found) => found.state,
  FAULTS: (found) => found.fault_count,
  CREATED: (found) => found.created_at,
};

export function showReconciliation(
  out: Output,
  { state, checked, in_flight, totals, fault_count, faults }: Reconciliation,
): void {
  out.details({
    state,
    ...checked,
    'in flight': in_flight,
    ...Object.fromEntries(
      (totals ?? []).flatMap(({ redeemed, credited }) => [
        [`redeemed, ${redeemed.currency}`, moneyText(redeemed)],
        [`credited, ${credited.currency}`, moneyText(credited)],
      ]),
    ),
    faults: fault_count,
  });
  if (faults && faults.length > 0) out.table(faults, faultColumns);
}

const faultColumns: Columns<{ rule: string; id: string; detail: string }> = {
  RULE: (fault) => fault.rule,
  ID: (fault) => fault.id,
  DETAIL: (fault) => fault.detail,
};

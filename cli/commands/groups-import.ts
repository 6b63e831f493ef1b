import type { Command } from 'commander';
import { type Cli, idempotencyKey, type JsonOption } from '../cli.ts';
import { path } from '../client.ts';
import { type ImportReport, readCodesFile } from '../codes-import.ts';
import { dataCommand, idempotencyOption } from '../options.ts';

interface ImportOptions extends JsonOption {
  idempotencyKey?: string;
}

export function addGroupsImport(groups: Command, cli: Cli): void {
  dataCommand(
    groups,
    'import <id> <csv>',
    'put given codes into a group: code,max_redemptions',
    'groups import 0198c5d2-… codes.csv',
  )
    .addOption(idempotencyOption())
    .action(async (id: string, file: string, options: ImportOptions) => {
      const request = { body: readCodesFile(file), idempotencyKey: idempotencyKey(options) };
      const report = await cli.client().request<ImportReport>('POST', path`/v1/code-groups/${id}/codes`, request);
      const invalid = report.invalid_total ?? report.invalid.length;
      if (!options.json) for (const { line, reason } of report.invalid) cli.note(`${file}:${line}: ${reason}`);
      if (invalid > report.invalid.length) cli.note(`and ${invalid - report.invalid.length} lines more`);
      cli.print(options, report, (out) => {
        out.details({ imported: report.imported, duplicates: report.duplicates, invalid });
      });
    });
}

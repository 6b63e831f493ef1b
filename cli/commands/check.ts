import type { Command } from 'commander';
import type { CodeCheck } from '../api-types.ts';
import type { Cli, JsonOption } from '../cli.ts';
import { dataCommand } from '../options.ts';
import { moneyText } from '../output.ts';

interface CheckOptions extends JsonOption {
  at?: string;
}

export function addCheck(program: Command, cli: Cli): void {
  dataCommand(
    program,
    'check <code> [phone]',
    'ask whether a code could be redeemed, without doing so',
    'check EID-7Q2M-…',
  )
    .option('--at <time>', 'at that time, such as 2026-03-20T00:00:00+03:30')
    .action(async (code: string, phone: string | undefined, { at, ...options }: CheckOptions) => {
      const body = { code, ...(phone !== undefined && { phone }), ...(at !== undefined && { at }) };
      const check = await cli.client().request<CodeCheck>('POST', '/v1/code-checks', { body, repeatable: true });
      cli.print(options, check, (out) =>
        out.details({
          redeemable: check.redeemable ? 'yes' : 'no',
          reason: check.reason,
          amount: moneyText(check.amount),
        }),
      );
    });
}

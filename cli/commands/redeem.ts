import type { Command } from 'commander';
import type { Redemption } from '../api-types.ts';
import { type Cli, idempotencyKey, type JsonOption } from '../cli.ts';
import { dataCommand, idempotencyOption, waitSeconds } from '../options.ts';
import { noteUnfinished, showRedemption } from '../views/redemption.ts';

interface RedeemOptions extends JsonOption {
  reference?: string;
  idempotencyKey?: string;
  wait?: number;
}

export function addRedeem(program: Command, cli: Cli): void {
  dataCommand(program, 'redeem <code> <phone>', 'redeem a code for a phone', 'redeem EID-7Q2M-… +989121234567')
    .option('--reference <text>', 'your own name for it')
    .addOption(idempotencyOption())
    .option('--wait <seconds>', 'how long to wait for the outcome, 0 to 30', waitSeconds)
    .action(async (code: string, phone: string, options: RedeemOptions) => {
      const redemption = await cli.client().request<Redemption>('POST', '/v1/redemptions', {
        body: { code, phone, ...(options.reference !== undefined && { reference: options.reference }) },
        idempotencyKey: idempotencyKey(options),
        ...(options.wait !== undefined && { waitSeconds: options.wait }),
      });
      cli.print(options, redemption, showRedemption);
      noteUnfinished(cli, redemption);
    });
}

import type { Command } from 'commander';
import type { Code } from '../api-types.ts';
import type { Cli, JsonOption } from '../cli.ts';
import { path } from '../client.ts';
import { dataCommand, isId } from '../options.ts';
import { moneyText, type Output } from '../output.ts';

export function addCodes(program: Command, cli: Cli): void {
  const codes = program.command('codes').description('single codes');

  dataCommand(codes, 'show <code|id>', 'show a code and who redeemed it', 'codes show EID-7Q2M-…').action(
    async (codeOrId: string, options: JsonOption) => {
      const code = isId(codeOrId)
        ? await cli.client().request<Code>('GET', path`/v1/codes/${codeOrId}`)
        : await cli.client().request<Code>('POST', '/v1/codes/lookup', { body: { code: codeOrId }, repeatable: true });
      cli.print(options, code, showCodeWithRedemptions);
    },
  );

  for (const [verb, disabled] of [
    ['disable', true],
    ['enable', false],
  ] as const) {
    dataCommand(codes, `${verb} <id>`, `switch a code ${disabled ? 'off' : 'on'}`, `codes ${verb} 0198c5d2-…`).action(
      async (id: string, options: JsonOption) => {
        const code = await cli
          .client()
          .request<Code>('PATCH', path`/v1/codes/${id}`, { body: { disabled }, repeatable: true });
        cli.print(options, code, showCodeWithRedemptions);
      },
    );
  }
}

export function showCode(out: Output, code: Code): void {
  out.details({
    code: code.id,
    text: code.code ?? (code.last4 && `…${code.last4}`),
    state: code.state,
    group: code.group && `${code.group.name} (${code.group.id})`,
    amount: moneyText(code.amount),
    used: `${usedTimes(code)} of ${code.max_redemptions ?? '-'}`,
    created: code.created_at,
  });
}

function showCodeWithRedemptions(out: Output, code: Code): void {
  showCode(out, code);
  const redemptions = Array.isArray(code.redemptions) ? code.redemptions : [];
  if (redemptions.length === 0) return;
  out.line();
  out.table(redemptions, {
    REDEMPTION: (redemption) => redemption.id,
    PHONE: (redemption) => redemption.phone,
    STATE: (redemption) => redemption.state,
    COMPLETED: (redemption) => redemption.completed_at,
  });
}

export const usedTimes = ({ redeemed }: Code): number => redeemed ?? 0;

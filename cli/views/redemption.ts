import type { Redemption } from '../api-types.ts';
import type { Cli } from '../cli.ts';
import { type Columns, moneyText, type Output } from '../output.ts';

export function showRedemption(out: Output, redemption: Redemption): void {
  const { code, wallet, stuck } = redemption;
  out.details({
    redemption: redemption.id,
    state: redemption.state,
    reason: redemption.reason ?? undefined,
    amount: moneyText(redemption.amount),
    code: code && codeText(code),
    wallet:
      wallet?.phone &&
      [wallet.phone, wallet.balance && `left at ${moneyText(wallet.balance)}`].filter((part) => part).join(' '),
    reference: redemption.reference ?? undefined,
    created: redemption.created_at,
    completed: redemption.completed_at ?? undefined,
    stuck: stuck ? `in ${stuck.step} since ${stuck.since}, ${stuck.attempts} attempts` : undefined,
    'last error': stuck?.last_error ?? undefined,
    'next attempt': stuck?.next_attempt_at ?? undefined,
    trace: redemption.trace_url ?? undefined,
  });
}

function codeText({ id, last4, group_name, redemptions, max_redemptions }: NonNullable<Redemption['code']>): string {
  const name = [last4 === undefined ? id : `…${last4}`, group_name && `of ${group_name}`];
  const use = typeof redemptions !== 'number' ? '' : `, ${redemptions} of ${max_redemptions} used`;
  return name.filter((part) => part).join(' ') + use;
}

/** Says how to follow a redemption that was accepted but not finished in the time the server waited. */
export function noteUnfinished(cli: Cli, { id, state }: Redemption): void {
  if (state === 'pending' || state === 'reserved') {
    cli.note(`accepted, not finished yet; see: vouchsafe redemptions show ${id}`);
  }
}

export const redemptionColumns: Columns<Redemption> = {
  ID: (redemption) => redemption.id,
  STATE: (redemption) => redemption.state,
  AMOUNT: (redemption) => moneyText(redemption.amount),
  PHONE: (redemption) => redemption.wallet?.phone,
  GROUP: (redemption) => redemption.code?.group_name,
  CODE: (redemption) => redemption.code?.last4,
  CREATED: (redemption) => redemption.created_at,
};

export const stuckColumns: Columns<Redemption> = {
  ID: (redemption) => redemption.id,
  STATE: (redemption) => redemption.state,
  AMOUNT: (redemption) => moneyText(redemption.amount),
  PHONE: (redemption) => redemption.wallet?.phone,
  STEP: (redemption) => redemption.stuck?.step,
  ATTEMPTS: (redemption) => redemption.stuck?.attempts,
  NEXT: (redemption) => redemption.stuck?.next_attempt_at,
  'LAST ERROR': (redemption) => redemption.stuck?.last_error,
};

import { CliError, EXIT } from '../errors.ts';
import { moneyText } from '../output.ts';
import { answerOf, fictitiousPhones, heading, redeem, type Stage } from './stage.ts';

/** A code becomes credit. @returns the code, now used */
export async function redeemOnce(stage: Stage): Promise<string> {
  const { out } = stage.cli;
  heading(stage, 'A code becomes credit');
  const { code } = stage.nextCode();
  out.details({ group: stage.group.name, worth: moneyText(stage.group.amount), code, phone: stage.phone });
  const started = performance.now();
  const redemption = await redeem(stage, code, stage.phone);
  out.details({
    redemption: redemption.id,
    state: `${redemption.state} after ${Math.round(performance.now() - started)} ms`,
    wallet: moneyText(redemption.wallet?.balance),
    trace: redemption.trace_url ?? undefined,
  });
  return code;
}

/** The same code again, from another phone. */
export async function redeemAgain(stage: Stage, code: string): Promise<void> {
  const { out } = stage.cli;
  heading(stage, 'The same code, another phone: refused');
  const other = fictitiousPhones(2).find((phone) => phone !== stage.phone) ?? '';
  const answer = await answerOf(redeem(stage, code, other));
  out.details({ phone: other, answer });
  if (answer !== 'code-already-redeemed') throw new CliError(EXIT.refused, `${code} was redeemed, and then ${answer}`);
}

import type { Redemption } from '../api-types.ts';
import { CliError, EXIT } from '../errors.ts';
import { answerOf, fictitiousPhones, heading, redeem, type Stage } from './stage.ts';

const PHONES = 500;

/** Many phones send one gift code at the same moment. @throws CliError unless exactly one wins */
export async function race(stage: Stage): Promise<void> {
  const { out } = stage.cli;
  heading(stage, `${PHONES} phones, one gift code, the same moment: one winner`);
  const { id, code } = stage.nextCode();
  const started = performance.now();
  const answers = await Promise.all(fictitiousPhones(PHONES).map((phone) => answerOf(redeem(stage, code, phone))));
  const took = Math.round(performance.now() - started);

  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  out.details({ code, ...Object.fromEntries(counts), took: `${took} ms` });

  const query = { code_id: id, state: 'completed' };
  const { items } = await stage.cli.client().list<Redemption>('/v1/redemptions', query, PHONES);
  out.details({ 'completed in the books': items.length, winner: items[0]?.wallet?.phone });
  if (items.length !== 1) throw new CliError(EXIT.refused, `${items.length} redemptions of one gift code completed`);
}

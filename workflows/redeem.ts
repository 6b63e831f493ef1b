import type { RedeemOptions, RedemptionItem, Settlement } from './contracts.ts';
import { Saga } from './saga.ts';
import { confirm, credit, release, reserve, voidCredit } from './steps.ts';

/** Redeems a batch; a batch of one is the individual, traceable saga. Settles every item, or hands it to a workflow of its own. */
export async function redeem(batch: RedemptionItem[], options: RedeemOptions): Promise<Settlement[]> {
  const saga = new Saga(batch, options);
  await saga.step(reserve, { undo: release });
  await saga.step(credit, { undo: voidCredit });
  await saga.mustFinish(confirm);
  return saga.settlements();
}

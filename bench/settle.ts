import { confirm } from '../domains/gift-code/confirm.ts';
import { reserve } from '../domains/gift-code/reserve.ts';
import { credit } from '../domains/wallet/credit.ts';
import { newId } from '../platform/ids.ts';
import { CLIENT_ID, type Order } from './seed.ts';
import type { Stage } from './stage.ts';

const TIMEOUT_MS = 30_000;

/** Redeems a batch by the saga's functions of both databases, one after the other. @returns whether all are completed */
export async function settle(
  { giftCode, wallet }: Stage,
  batch: Pick<Order, 'codeId' | 'walletId'>[],
): Promise<boolean> {
  const items = batch.map(({ codeId, walletId }) => {
    return { codeId, walletId, redemptionId: newId(), clientId: CLIENT_ID, at: Date.now() };
  });
  const ids = items.map((item) => item.redemptionId);
  const verdicts = await reserve(giftCode, items, 'bench', TIMEOUT_MS);
  const credits = items.map(({ redemptionId, walletId }, index) => {
    const { amount, currency } = verdicts[index] ?? {};
    return { redemptionId, walletId, amount: amount ?? 0n, currency: currency ?? '' };
  });
  await credit(wallet, credits, TIMEOUT_MS);
  const rows = await confirm(giftCode, ids, 'bench', TIMEOUT_MS);
  return rows.filter((row) => row.state === 'completed').length === batch.length;
}

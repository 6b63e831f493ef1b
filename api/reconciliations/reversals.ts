import type { GiftCodePart } from '../../domains/gift-code/operations.ts';
import type { WalletPart } from '../../domains/wallet/operations.ts';
import { type BookEntry, byId, type Fault, factsOf } from '../../platform/books.ts';
import { reversalTransferId } from '../../platform/ids.ts';

/**
 * What is wrong between redemptions that were reversed and the debits that took them back, whose ids are made of theirs; of
 * wallets whose ids end in a byte. A debit without its redemption may be under way: until `before`, and where it is noted.
 * @throws DatabaseUnavailable
 */
export async function reversalFaults(
  giftCode: GiftCodePart,
  wallet: WalletPart,
  bucket: number,
  before: Date,
): Promise<Fault[]> {
  // In this order: the debit is there before the redemption says so.
  const reversed = new Map((await giftCode.readReversed(bucket)).map((entry) => [reversalTransferId(entry.id), entry]));
  const reversals = byId(await wallet.readReversals(bucket));

  const faults: Fault[] = [];
  for (const [reversalId, redemption] of reversed) {
    const { id } = redemption;
    const reversal = reversals.get(reversalId);
    if (!reversal) {
      faults.push({ rule: 'a reversed redemption has its debit', id, detail: 'the wallet has none' });
    } else if (factsOf(redemption) !== factsOf(reversal)) {
      const detail = `${factsOf(redemption)}; debited: ${factsOf(reversal)}`;
      faults.push({ rule: 'a redemption and its reversal are of one wallet and amount', id, detail });
    }
  }

  const alone = [...reversals.values()].filter(({ id, created_at }) => !reversed.has(id) && created_at < before);
  const redemptions = await redemptionsOf(giftCode, wallet, alone);
  for (const { id } of alone) {
    const redemption = redemptions.get(id);
    if (redemption?.state === 'reversed' || redemption?.reversing) continue;
    const detail = redemption
      ? `the redemption is ${redemption.state}, the wallet debited: reverse it once more`
      : 'there is no redemption';
    faults.push({ rule: 'a reversal has its reversed redemption', id: redemption?.id ?? id, detail });
  }
  return faults;
}

/** The redemptions of reversals, as they are now, by the reversals' ids: each is one that the wallet was credited for. */
async function redemptionsOf(
  giftCode: GiftCodePart,
  wallet: WalletPart,
  reversals: BookEntry[],
): Promise<Map<string, BookEntry & { reversing: boolean }>> {
  const wanted = new Set(reversals.map(({ id }) => id));
  const walletIds = [...new Set(reversals.map(({ wallet_id }) => wallet_id))];
  const credits = await wallet.readCreditsOfWallets(walletIds);
  const ids = credits.map(({ id }) => id).filter((id) => wanted.has(reversalTransferId(id)));
  return new Map((await giftCode.readEntries(ids)).map((entry) => [reversalTransferId(entry.id), entry]));
}

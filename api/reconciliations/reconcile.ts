import type { GiftCodePart } from '../../domains/gift-code/operations.ts';
import type { WalletPart } from '../../domains/wallet/operations.ts';
import {
  type BookEntry,
  byId,
  collectFaults,
  type Digest,
  type Fault,
  type Faults,
  factsOf,
} from '../../platform/books.ts';
import { reversalFaults } from './reversals.ts';

/** What the books of both parts say of themselves and of one another. */
export interface Findings {
  checked: { codes: number; redemptions: number; wallets: number; transfers: number };
  /** Redemptions under way, which may be on one side of the books only. */
  inFlight: number;
  /** Redeemed by the codes' books, credited by the wallets', by currency; they differ by what is in flight. Minor units. */
  totals: { currency: string; redeemed: string; credited: string }[];
  faults: Faults;
}

/** Younger redemptions are looked at one by one only where the digests differ: most of them are under way. */
const SETTLED_FOR_MS = 60_000;
const IDS_AT_ONCE = 5_000;

/**
 * Proves the books: each part's own rules, and that every completed redemption has its transfer, of the same wallet and
 * amount, and every transfer its redemption; and likewise of what was taken back. The two parts are compared by digests, so
 * that only what differs is read row by row; what then still differs is read once more, now, since a redemption may have
 * moved on in between.
 * @throws DatabaseUnavailable
 */
export async function reconcile(giftCode: GiftCodePart, wallet: WalletPart): Promise<Findings> {
  const before = new Date(Math.min(await giftCode.nowMs(), await wallet.nowMs()) - SETTLED_FOR_MS);
  const codes = await giftCode.readGiftCodeBooks(before);
  const wallets = await wallet.readWalletBooks(before);

  const found = collectFaults();
  found.add(codes.faults);
  found.add(wallets.faults);
  const addAll = (faults: Fault[]) => found.add({ count: faults.length, told: faults });
  for (const bucket of differing(fingerprints(codes.digests), fingerprints(wallets.digests))) {
    const settled = facts(await giftCode.readSettledOf(bucket, before));
    const credited = facts(await wallet.readCreditsOf(bucket, before));
    const suspects = differing(settled, credited);
    for (let from = 0; from < suspects.length; from += IDS_AT_ONCE) {
      addAll(await disagreements(giftCode, wallet, suspects.slice(from, from + IDS_AT_ONCE)));
    }
  }
  for (const bucket of differing(fingerprints(codes.reversed), fingerprints(wallets.reversed))) {
    addAll(await reversalFaults(giftCode, wallet, bucket, before));
  }
  return {
    checked: {
      codes: codes.codes,
      redemptions: codes.redemptions,
      wallets: wallets.wallets,
      transfers: wallets.transfers,
    },
    inFlight: codes.inFlight,
    totals: totals(codes.redeemed, wallets.credited),
    faults: found.faults(),
  };
}

/** What is wrong between redemptions and what the wallets decided of them, as both are now. */
async function disagreements(giftCode: GiftCodePart, wallet: WalletPart, ids: string[]): Promise<Fault[]> {
  // In this order: what the wallet decided is there before the redemption says so.
  const redemptions = byId(await giftCode.readEntries(ids));
  const decisions = byId(await wallet.readDecisions(ids));
  return ids.flatMap((id) => {
    const fault = disagreement(redemptions.get(id), decisions.get(id));
    return fault ? [{ ...fault, id }] : [];
  });
}

const fingerprints = (digests: Digest[]) =>
  new Map(digests.map(({ bucket, count, fingerprint }) => [bucket, `${count} ${fingerprint}`]));
const facts = (entries: BookEntry[]) => new Map(entries.map((entry) => [entry.id, factsOf(entry)]));

/** The keys whose values differ, and those that only one of the two has. */
function differing<Key>(ours: Map<Key, string>, theirs: Map<Key, string>): Key[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])].filter((key) => ours.get(key) !== theirs.get(key));
}

/** What is wrong between a redemption and what the wallet decided of it. */
function disagreement(
  redemption: BookEntry | undefined,
  decision: BookEntry | undefined,
): Omit<Fault, 'id'> | undefined {
  const isCredited = decision?.state === 'redemption';
  if (!redemption) {
    return isCredited ? { rule: 'a credit has its redemption', detail: 'there is no redemption' } : undefined;
  }
  const isSettled = redemption.state === 'completed' || redemption.state === 'reversed';
  if (isSettled && !isCredited) {
    return { rule: 'a completed redemption has its credit', detail: `the wallet has ${decision?.state ?? 'nothing'}` };
  }
  if (isCredited && !isSettled && redemption.state !== 'reserved') {
    return { rule: 'a credit has its redemption', detail: `the redemption is ${redemption.state}` };
  }
  if (isSettled && decision && factsOf(redemption) !== factsOf(decision)) {
    const detail = `${factsOf(redemption)}; credited: ${factsOf(decision)}`;
    return { rule: 'a redemption and its credit are of one wallet and amount', detail };
  }
  return undefined;
}

function totals(redeemed: { currency: string; value: string }[], credited: { currency: string; value: string }[]) {
  const of = (sums: { currency: string; value: string }[], currency: string) =>
    sums.find((sum) => sum.currency === currency)?.value ?? '0';
  const currencies = [...new Set([...redeemed, ...credited].map(({ currency }) => currency))].sort();
  return currencies.map((currency) => ({
    currency,
    redeemed: of(redeemed, currency),
    credited: of(credited, currency),
  }));
}

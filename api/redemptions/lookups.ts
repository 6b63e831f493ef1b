import { LRUCache } from 'lru-cache';
import type { DoorFinding, DoorItem } from '../../domains/gift-code/door.ts';
import type { WalletUse } from '../../domains/gift-code/find-redemptions-of-wallets.ts';
import type { LimitedUse } from '../../domains/gift-code/limits-reached.ts';
import type { GiftCodePart } from '../../domains/gift-code/operations.ts';
import type { RedemptionRow } from '../../domains/gift-code/redemption.ts';
import type { WalletKey } from '../../domains/wallet/ensure-wallets.ts';
import type { WalletPart } from '../../domains/wallet/operations.ts';
import type { WalletSide } from '../../domains/wallet/read-wallet-sides.ts';
import { type BatchLimits, batched } from '../../platform/batched.ts';
import { DatabaseUnavailable } from '../../platform/database-errors.ts';
import type { SagaPart } from '../../workflows/contracts.ts';

export interface RedemptionView {
  row: RedemptionRow;
  side: WalletSide;
}

const LIMITS = { max: 256, inFlight: 1 };
/** For so long a request gathers with others at the door, where it would have to wait for its batch anyway. */
const GATHER_MS = 5;
const KNOWN_WALLETS = 200_000;
/** Redemptions that are repeated, or polled: that comes soon after. */
const KNOWN_REDEMPTIONS = 10_000;
/** Refusals of a code within `EXHAUSTED_MS` that make a crowd. */
const CROWD = 16;
/** For so long a crowd is told that its code is exhausted: with the time that the look-up took, less than 250 ms. */
const EXHAUSTED_MS = 200;
const EXHAUSTED_CODES = 1_000;

export type Lookups = ReturnType<typeof createLookups>;

/**
 * What requests look up, many at once: each look-up of one thing goes with those that others want at the moment.
 *
 * @param isBusy whether a redemption that is let in now has to wait for others
 * @param onAway told of a part that did not answer
 */
export function createLookups(
  giftCode: GiftCodePart,
  wallet: WalletPart,
  timeoutMs: number,
  isBusy: () => boolean,
  onAway: (part: SagaPart) => void,
) {
  /** Look-ups of a part, many at once. */
  const asked = <Item, Result>(
    part: SagaPart,
    look: (items: Item[]) => Promise<Result[]>,
    limits: BatchLimits = LIMITS,
  ) =>
    batched<Item, Result>(async (items) => {
      try {
        return await look(items);
      } catch (error) {
        if (error instanceof DatabaseUnavailable) onAway(part);
        throw error;
      }
    }, limits);
  const ensureWallet = asked('wallet', (keys: WalletKey[]) => wallet.ensureWallets(keys, timeoutMs));
  const findWallet = asked('wallet', (keys: WalletKey[]) => wallet.findWallets(keys, timeoutMs));
  const findUse = asked('gift-code', (uses: WalletUse[]) => giftCode.findRedemptionsOfWallets(uses, timeoutMs));
  const isLimitReached = asked('gift-code', (uses: LimitedUse[]) => giftCode.limitsReached(uses, timeoutMs));
  const readSide = asked('wallet', (redemptions: { id: string; wallet_id: string }[]) =>
    wallet.readWalletSides(redemptions, timeoutMs),
  );
  const readRow = asked('gift-code', async (ids: string[]): Promise<(RedemptionRow | undefined)[]> => {
    const rows = await giftCode.readRedemptions([...new Set(ids)], timeoutMs);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  });

  // A phone's wallet is the same for ever, so that its id may be remembered for as long as there is room.
  const walletIds = new LRUCache<string, string>({ max: KNOWN_WALLETS });
  // Joined, since of a text that is added up V8 keeps the parts too: 80 instead of 216 bytes a wallet.
  const nameOf = ({ phone, currency }: WalletKey) => [phone, currency].join(' ');
  const remember = (key: WalletKey, id: string) => {
    walletIds.set(nameOf(key), id);
    return id;
  };

  /** The wallet of a phone, where it has one; at once where it is known. */
  const existingWalletOf = async (key: WalletKey): Promise<string | null> => {
    const known = walletIds.get(nameOf(key));
    if (known) return known;
    const walletId = await findWallet(key);
    return walletId && remember(key, walletId);
  };

  const askDoor = asked('gift-code', (items: DoorItem[]) => giftCode.door(items, timeoutMs), {
    ...LIMITS,
    gatherMs: () => (isBusy() ? GATHER_MS : 0),
  });
  const exhausted = new LRUCache<string, { finding: DoorFinding; refusals: number }>({
    max: EXHAUSTED_CODES,
    ttl: EXHAUSTED_MS,
  });
  // That a redemption has its row, and which code its text means, stays as it is.
  const repeats = new LRUCache<string, { name: string; finding: DoorFinding }>({ max: KNOWN_REDEMPTIONS });
  const nameOfCode = ({ hashes }: DoorItem) => hashes.map((hash) => hash.toString('latin1')).join();

  // A transfer is never changed, so that neither is the side of a redemption that has one.
  const sides = new LRUCache<string, WalletSide>({ max: KNOWN_REDEMPTIONS });
  const sideOf = async ({ id, wallet_id }: RedemptionRow): Promise<WalletSide> => {
    const known = sides.get(id);
    if (known) return known;
    const side = await readSide({ id, wallet_id });
    if (side.transaction_id !== null) sides.set(id, side);
    return side;
  };

  /** Adds the wallet's side. While a redemption is not over, the wallet may be what it waits for: then it is shown without. */
  const view = async (row: RedemptionRow): Promise<RedemptionView> => {
    const side = sideOf(row);
    return { row, side: await (row.state === 'reserved' ? side.catch(() => UNKNOWN_SIDE) : side) };
  };

  return {
    /**
     * What the gift-code part finds out about a request before it is accepted. A crowd that wants an exhausted code is told
     * so without being looked up one by one: it may come free in between, but not for those who came first. Nor is a
     * repeat that comes again: where the redemption stands, its row tells.
     *
     * @param isNew whether the redemption's id was drawn for this request, so that it has no row
     */
    async door(item: DoorItem, isNew: boolean): Promise<DoorFinding> {
      const name = nameOfCode(item);
      const known = exhausted.get(name);
      if (isNew && known && known.refusals >= CROWD) return known.finding;
      const repeat = isNew ? undefined : repeats.get(item.redemptionId);
      if (repeat?.name === name) return repeat.finding;
      const finding = await askDoor(item);
      if (finding.known_state && finding.code_id) repeats.set(item.redemptionId, { name, finding });
      if (finding.refusal === 'code-exhausted' && !finding.known_state) {
        const remembered = exhausted.get(name);
        if (remembered) remembered.refusals++;
        else exhausted.set(name, { finding, refusals: 1 });
      }
      return finding;
    },

    /** The wallet of a phone, made if it is new; at once where it is known. */
    walletOf(key: WalletKey): string | Promise<string> {
      return walletIds.get(nameOf(key)) ?? ensureWallet(key).then(({ id }) => remember(key, id));
    },

    existingWalletOf,

    /** The redemption by which a phone has, or is getting, a code; null where there is none. */
    async useBy(codeId: string, key: WalletKey): Promise<string | null> {
      const walletId = await existingWalletOf(key);
      return walletId === null ? null : await findUse({ codeId, walletId });
    },

    /** Whether a wallet has used a group as often as it may. */
    isLimitReached,

    /** A redemption's row, where it has one. */
    async row(id: string): Promise<RedemptionRow | undefined> {
      const row = await readRow(id);
      // The database was put back, say: who repeats it once more comes to the door again.
      if (!row) repeats.delete(id);
      return row;
    },

    view,
  };
}

const UNKNOWN_SIDE: WalletSide = {
  wallet_id: null,
  phone: null,
  currency: null,
  balance: null,
  transaction_id: null,
  credited_at: null,
};

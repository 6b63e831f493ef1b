import type { GiftCodeActivities, Outcome, RedemptionItem, SagaPart, StepName, WalletActivities } from './contracts.ts';

/** A redemption on its way through the saga. */
export interface Entry {
  item: RedemptionItem;
  /** Known once reserved; minor units. */
  amount?: string;
  currency?: string;
  /** Why it is being undone. */
  reason?: string;
}

/** The activities that are steps of the saga. */
export type StepActivities = Pick<GiftCodeActivities, 'reserve' | 'confirm' | 'release'> &
  Pick<WalletActivities, 'credit' | 'voidCredit'>;

/** One activity of the saga: how it is called with entries, and where it runs. One outcome per entry, in order. */
export interface Step {
  name: StepName;
  part: SagaPart;
  call(activities: StepActivities, entries: Entry[]): Promise<Outcome[]>;
}

export const reserve: Step = {
  name: 'reserve',
  part: 'gift-code',
  call: (activities, entries) => activities.reserve(entries.map((entry) => entry.item)),
};

export const credit: Step = {
  name: 'credit',
  part: 'wallet',
  call: (activities, entries) =>
    activities.credit(
      entries.map(({ item, amount = '', currency = '' }) => {
        return { redemptionId: item.redemptionId, walletId: item.walletId, amount, currency };
      }),
    ),
};

export const confirm: Step = {
  name: 'confirm',
  part: 'gift-code',
  call: (activities, entries) => activities.confirm(entries.map((entry) => entry.item.redemptionId)),
};

export const release: Step = {
  name: 'release',
  part: 'gift-code',
  call: (activities, entries) => activities.release(entries.map(undone)),
};

export const voidCredit: Step = {
  name: 'void',
  part: 'wallet',
  call: (activities, entries) => activities.voidCredit(entries.map(undone)),
};

const undone = (entry: Entry) => ({ ...entry.item, reason: entry.reason ?? 'aborted' });

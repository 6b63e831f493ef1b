/** What workflows, activities and those who start them agree on: types and names, no code of either side. */

/** One redemption as its workflow sees it. Ids only: a history holds neither code nor phone. */
export interface RedemptionItem {
  redemptionId: string;
  codeId: string;
  groupId: string;
  walletId: string;
  clientId: string;
  /** The caller's own reference for it. */
  reference?: string;
  /** When the door let it in, by the gift-code database's clock: milliseconds since 1970. */
  at: number;
}

/** How the saga's steps are run. Times in milliseconds. */
export interface RedeemOptions {
  /** Where parts run apart, a step goes to its domain's task queue at once instead of running locally first. */
  apart: boolean;
  taskQueues: Record<SagaPart, string>;
  /** Start-to-close time-out of an attempt at a step. */
  timeoutMs: number;
  /** Attempts at a step before the redemption counts as stuck. */
  attempts: number;
  /** Longest interval between the attempts at a stuck step. */
  retryMaxMs: number;
  /** Set when the redemption is to be undone from the start. */
  abort?: string;
}

/** A part that has steps of sagas, and an outbox; beside them there is the gateway. */
export type SagaPart = 'gift-code' | 'wallet';
/** The steps of the saga and of its undoing. */
export const STEPS = ['reserve', 'credit', 'confirm', 'void', 'release'] as const;
export type StepName = (typeof STEPS)[number];
/** The steps of taking a completed redemption back. */
export const REVERSAL_STEPS = ['check-reversal', 'reverse-credit', 'reverse-redemption', 'give-up-reversal'] as const;
export type ReversalStepName = (typeof REVERSAL_STEPS)[number];

/** How a redemption ended, or that a workflow of its own has taken it over. */
export interface Settlement {
  redemptionId: string;
  outcome: 'completed' | 'refused' | 'released' | 'handed-over';
  reason?: string;
}

/** What a step answers about one item. */
export type Outcome =
  /** The step is done, now or earlier. Reserve tells the amount, in minor units. */
  | { is: 'done'; amount?: string; currency?: string }
  /** The step did not happen and never will: what came before it is to be undone. */
  | { is: 'refused'; reason: string }
  /** The redemption is over; there is nothing to do and nothing to undo. */
  | { is: 'over'; outcome: 'completed' | 'refused' | 'released'; reason?: string }
  /** Void only: the wallet has been credited, so the redemption goes forward. */
  | { is: 'credited' };

export interface CreditStepItem {
  redemptionId: string;
  walletId: string;
  /** Minor units. */
  amount: string;
  currency: string;
}

export interface UndoStepItem extends RedemptionItem {
  reason: string;
}

/** A completed redemption to be taken back. */
export interface ReversalOrder {
  /** The request under whose id it is noted; of one that a version before has begun there is none. */
  requestId?: string;
  redemptionId: string;
  /** The id of the transfer that takes it back, made from the redemption's. */
  reversalId: string;
  /** The code's use stays spent. */
  keepPlace: boolean;
  reason: string;
}

/** By what a reversal is noted. */
export type NotedReversal = Required<Pick<ReversalOrder, 'requestId' | 'redemptionId'>>;

/** Codes to be generated in the background. */
export interface GenerationOrder {
  generationId: string;
  total: number;
}

/** Where a generation stands, as its row has it. */
export interface GenerationProgress {
  state: 'running' | 'done' | 'cancelled' | 'failed';
  made: number;
  total: number;
}

/** Told to the gateway of the same process when redemptions leave their batch. */
export interface HandOver {
  redemptionIds: string[];
  step: StepName;
  part: SagaPart;
  error: string;
  /** The part failed, not the input: nobody else should be let in until it answers. */
  outage: boolean;
}

export interface GiftCodeActivities {
  reserve(items: RedemptionItem[]): Promise<Outcome[]>;
  confirm(redemptionIds: string[]): Promise<Outcome[]>;
  release(items: UndoStepItem[]): Promise<Outcome[]>;
  reverseRedemption(order: ReversalOrder): Promise<void>;
  /** @returns how often a reversal has been asked for; null where it is no longer to be done */
  checkReversal(order: NotedReversal): Promise<number | null>;
  /** Forgets a reversal that the wallet refused. @returns false where it was asked for more often than that */
  giveUpReversal(order: NotedReversal, asks: number): Promise<boolean>;
}

export interface WalletActivities {
  credit(items: CreditStepItem[]): Promise<Outcome[]>;
  voidCredit(items: UndoStepItem[]): Promise<Outcome[]>;
  /** @returns null, or why nothing was taken back */
  reverseCredit(order: ReversalOrder): Promise<string | null>;
}

/** Runs in the worker's own process only, as a local activity. */
export interface NoticeActivities {
  announceHandOver(notice: HandOver): Promise<void>;
}

export interface GenerationActivities {
  /** Makes some more of the codes. */
  generateCodes(generationId: string): Promise<GenerationProgress>;
  endGeneration(generationId: string, state: 'cancelled' | 'failed'): Promise<GenerationProgress>;
}

export interface SweepActivities {
  /** @returns how many redemptions, and reversals, were picked up */
  sweepRedemptions(afterMs: number): Promise<number>;
  /** @returns how many generations were picked up */
  sweepGenerations(afterMs: number): Promise<number>;
  /** Counts settled redemptions for the statistics. @returns how many */
  rollRedemptions(): Promise<number>;
  /** Hashes and seals codes with keys that are new. @returns how many */
  renewCodes(): Promise<number>;
}

/** What `reverse` returns when its note is gone: another run has reversed the redemption, or the reversal was given up. */
export const GIVEN_UP = 'given-up';

/** Failure type of an error that the same input would bring again: it splits a batch but is no outage. */
export const POISON = 'poison';

/** Asks a redemption's own workflow to undo it: one argument, the reason. */
export const ABORT_SIGNAL = 'abort';

/** Asks a generation's workflow where it stands, in Temporal's Web UI say: GenerationProgress. */
export const GENERATION_QUERY = 'generation';

/** The step a stuck redemption stands at, and `settled` when it is over. */
export const STAGE_ATTRIBUTE = 'VouchsafeStage';
export const CODE_GROUP_ATTRIBUTE = 'VouchsafeCodeGroup';

/** The id of the workflow that is one redemption's own. */
export const redemptionWorkflowId = (redemptionId: string): string => `redemption-${redemptionId}`;

export const reversalWorkflowId = (redemptionId: string): string => `reversal-${redemptionId}`;

export const generationWorkflowId = (generationId: string): string => `generation-${generationId}`;

/** The id of the sweeper's schedule; those of its workflows begin with it. */
export const sweepId = (taskQueue: string): string => `${taskQueue}-sweep`;

/** The id of the workflow that asks whether a part that runs apart works: all gateways share its answer. */
export const probeId = (taskQueue: string, part: SagaPart): string => `${taskQueue}-probe-${part}`;

/** A queue of its own, so that codes for a campaign do not stand in the way of a redemption's step. */
export const generationTaskQueue = (giftCodeTaskQueue: string): string => `${giftCodeTaskQueue}-generation`;

/** The task queues of the parts, derived from the main one. */
export const partTaskQueues = (taskQueue: string): Record<SagaPart, string> => ({
  'gift-code': `${taskQueue}-gift-code`,
  wallet: `${taskQueue}-wallet`,
});

import { setTimeout as sleep } from 'node:timers/promises';
import type { DoorFinding } from '../../domains/gift-code/door.ts';
import type { RedemptionRow } from '../../domains/gift-code/redemption.ts';
import type { WalletSide } from '../../domains/wallet/read-wallet-sides.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { isProblemCode, Problem, type ProblemCode, unavailable } from '../../platform/problems.ts';
import { within } from '../../platform/within.ts';
import type { RedemptionItem } from '../../workflows/contracts.ts';
import type { Accepted } from './accepted.ts';
import type { Breaker } from './breaker.ts';
import {
  type Dispatched,
  type Dispatcher,
  isSameRequest,
  NotStarted,
  OtherContent,
  OutcomeUnknown,
} from './dispatcher.ts';
import type { Ending, StepTimes } from './endings.ts';
import type { Lookups, RedemptionView } from './lookups.ts';

export interface RedemptionRequest {
  redemptionId: string;
  /** Its id was drawn for this request: nobody can have asked for it before. */
  isNew: boolean;
  /** Look-up hashes of what the code's text may mean, most likely first. */
  hashes: Buffer[];
  /** E.164. */
  phone: string;
  reference: string | undefined;
  clientId: string;
  waitMs: number;
}

/** A redemption that completed, or that was accepted and is not over: then maybe without a row. */
export interface RedemptionAnswer {
  /** The workflow it was sent with just now. */
  workflowId?: string | undefined;
  redemptionId: string;
  completed: boolean;
  view: RedemptionView | undefined;
  replayed: boolean;
  times: StepTimes;
}

export interface Redemptions {
  /** Redeems a code, or answers as the first request of the same id was answered. @throws Problem */
  redeem(request: RedemptionRequest): Promise<RedemptionAnswer>;
  /** Reads a redemption, waiting for its end as long as is asked. */
  read(redemptionId: string, waitMs: number): Promise<RedemptionView | undefined>;
  /** A redemption that was accepted and that may have no row yet. */
  pending(redemptionId: string): Promise<RedemptionItem | undefined>;
  /** The workflow in which this process has a redemption under way. */
  workflowOf(redemptionId: string): string | undefined;
}

const READ_AGAIN_MS = 250;
/** After this long without a word of a redemption from this process's own worker, its row is looked at. */
const SILENCE_MS = 500;

/** What a request to redeem goes through before its saga, and how its answer is found. */
export function createRedemptions(
  lookups: Lookups,
  dispatcher: Dispatcher,
  accepted: Accepted,
  breaker: Breaker,
  metrics: Metrics,
): Redemptions {
  const redeem = async (request: RedemptionRequest): Promise<RedemptionAnswer> => {
    const { redemptionId, hashes } = request;
    const letGo = dispatcher.hold(redemptionId);
    try {
      const finding = await lookups.door({ redemptionId, hashes }, request.isNew);
      if (finding.known_state) return await replay(request, finding);
      let item: RedemptionItem;
      try {
        item = await admitted(request, finding);
      } catch (refused) {
        const before = request.isNew ? undefined : await acceptedBefore(request, finding);
        if (!before) throw refused;
        return before;
      }
      const { redemption, joined } = dispatcher.dispatch(item);
      if (!isSameRequest(redemption.item, item)) throw new Problem('idempotency-key-reused');
      return await outcomeOf(redemption, joined, request, finding);
    } finally {
      letGo();
    }
  };

  /** What is to be sent on its way. @throws Problem where the door, or what is out of order, is in its way */
  const admitted = async (request: RedemptionRequest, finding: DoorFinding): Promise<RedemptionItem> => {
    const { redemptionId, phone, clientId, reference } = request;
    const { code_id: codeId, group_id: groupId, currency } = finding;
    if (!codeId || !groupId || !currency) {
      metrics.redemptions.inc({ outcome: 'refused', reason: 'code-not-found' });
      throw new Problem('code-not-found');
    }
    if (finding.refusal) throw await refusedAtDoor(finding.refusal, codeId, { phone, currency });
    assertWhole(breaker);

    const walletId = await lookups.walletOf({ phone, currency });
    if (finding.is_limited && (await lookups.isLimitReached({ groupId, walletId }))) {
      throw await refusedAtDoor('per-wallet-limit', codeId, { phone, currency });
    }
    const at = finding.at.getTime();
    return { redemptionId, codeId, groupId, walletId, clientId, ...(reference !== undefined && { reference }), at };
  };

  /**
   * How a repeat is answered that would be refused now: what was accepted before goes on whatever the door says by now, so
   * that neither is a refusal final nor has nothing happened. @returns undefined where nothing is known to have been accepted
   */
  const acceptedBefore = async (
    request: RedemptionRequest,
    finding: DoorFinding,
  ): Promise<RedemptionAnswer | undefined> => {
    const { redemptionId, phone, waitMs } = request;
    const item = await pending(redemptionId);
    if (!item) {
      // What a wallet's limit counts may be this very redemption, written since the door was asked.
      return finding.is_limited && (await lookups.row(redemptionId)) ? await replay(request, finding) : undefined;
    }
    if (finding.code_id !== item.codeId || !finding.currency) throw new Problem('idempotency-key-reused');
    try {
      const walletId = await lookups.existingWalletOf({ phone, currency: finding.currency });
      if (walletId !== item.walletId || request.reference !== item.reference) {
        throw new Problem('idempotency-key-reused');
      }
      const here = dispatcher.find(redemptionId);
      if (here) return await outcomeOf(here, true, request, finding);
      if (await read(redemptionId, waitMs)) return await replay({ ...request, waitMs: 0 }, finding);
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw outcomeUnknown(redemptionId, 'A database does not answer.');
    }
    return { redemptionId, completed: false, view: undefined, replayed: true, times: {} };
  };

  /** How a redemption on its way ends, if it does in time, for the request that sent it or that joined it. */
  const outcomeOf = async (
    redemption: Dispatched,
    joined: boolean,
    { redemptionId, phone, waitMs, isNew }: RedemptionRequest,
    { currency }: DoorFinding,
  ): Promise<RedemptionAnswer> => {
    const { item, times } = redemption;
    const heard = await endOf(redemption, waitMs);
    const view = heard ? undefined : await read(redemptionId, 0).catch(() => undefined);
    // Who waited may have given up a moment too soon.
    const end = heard ?? (waitMs > 0 && view && view.row.state !== 'reserved' ? view : undefined);
    if (end === undefined) {
      metrics.redemptions.inc({ outcome: 'pending', reason: '' });
      if (!view) await accepted.tell(item);
      return { redemptionId, completed: false, view, replayed: joined, times: {}, workflowId: redemption.workflowId };
    }
    if (!('outcome' in end) || end.outcome === 'completed') {
      const ended = 'outcome' in end ? viewOf(end) : end;
      // Another gateway may have been first with this id, for something else.
      if (!isAbout(ended.row, item)) throw new Problem('idempotency-key-reused');
      if (isUndone(ended.row)) throw await undone(ended, { isFinal: !isNew, replayed: joined });
      return answer(ended, joined, times);
    }
    const named = await namedBy(end.reason, redemptionId, item.codeId, { phone, currency });
    throw refusal(end.reason, named, { isFinal: !isNew, replayed: joined });
  };

  /** Refused before its saga: nothing was written. */
  const refusedAtDoor = async (
    reason: string,
    codeId: string,
    key: Pick<WalletSide, 'phone' | 'currency'>,
  ): Promise<Problem> => {
    metrics.redemptions.inc({ outcome: 'refused', reason });
    return refusal(reason, await namedBy(reason, null, codeId, key));
  };

  /** A repeat is answered from the rows, as the first request was. */
  const replay = async (request: RedemptionRequest, finding: DoorFinding): Promise<RedemptionAnswer> => {
    const view = await read(request.redemptionId, request.waitMs);
    if (!view) throw unavailable('The redemption is no longer known. Nothing has happened; try again.');
    const { row } = view;
    const isSameCode = row.code_id === finding.code_id && row.reference === (request.reference ?? null);
    if (!isSameCode || !(await isOfPhone(view, request.phone))) throw new Problem('idempotency-key-reused');
    if (isUndone(row)) throw await undone(view, { isFinal: true, replayed: true });
    return answer(view, true, {});
  };

  /** Whether a redemption is for a phone. Where its wallet's side cannot be read, the wallet of the phone tells. */
  const isOfPhone = async ({ row, side }: RedemptionView, phone: string): Promise<boolean> => {
    if (side.phone !== null) return side.phone === phone;
    return row.wallet_id === (await lookups.existingWalletOf({ phone, currency: row.currency }));
  };

  /** How a redemption that came to nothing is answered. */
  const undone = async (
    { row, side }: RedemptionView,
    how: { isFinal: boolean; replayed: boolean },
  ): Promise<Problem> => {
    const reason = row.reason ?? 'conflict';
    return refusal(reason, await namedBy(reason, row.id, row.code_id, side), how);
  };

  const read = async (redemptionId: string, waitMs: number): Promise<RedemptionView | undefined> => {
    const giveUpAt = performance.now() + waitMs;
    for (;;) {
      const row = await lookups.row(redemptionId);
      const leftMs = giveUpAt - performance.now();
      if (leftMs <= 0 || (row ? row.state !== 'reserved' : !(await pending(redemptionId)))) {
        return row && (await lookups.view(row));
      }
      await sleep(Math.min(READ_AGAIN_MS, leftMs));
    }
  };

  /**
   * The end of a redemption, if it comes in time: as this process's own worker tells of it or, when that is silent, read
   * from its row: another process may do the work. @throws Problem when its workflow could not be started
   */
  const endOf = async (redemption: Dispatched, waitMs: number): Promise<Ending | RedemptionView | undefined> => {
    const { ending, started, times } = redemption;
    const giveUpAt = performance.now() + waitMs;
    try {
      for (;;) {
        const stepsBefore = Object.keys(times).length;
        const leftMs = giveUpAt - performance.now();
        const heard = await within(Math.min(leftMs, SILENCE_MS), ending);
        if (heard === 'unseen') break;
        if (heard) return heard;
        const isSilent = times.queue !== undefined && Object.keys(times).length === stepsBefore;
        if (isSilent || leftMs <= SILENCE_MS) break;
      }
      // An answer of 202 says that Temporal has it: this is waited for, whatever the client prefers.
      await started;
      const leftMs = giveUpAt - performance.now();
      return leftMs > 0 ? await within(leftMs, seen(redemption, giveUpAt)) : undefined;
    } catch (error) {
      throw startProblem(error, redemption.item.redemptionId);
    }
  };

  /** Reads a redemption's row again and again, until it is over, or is told of after all, or the time is over. */
  const seen = async ({ item, ending }: Dispatched, giveUpAt: number): Promise<Ending | RedemptionView | undefined> => {
    let isUnseen = false;
    while (performance.now() < giveUpAt) {
      const row = await lookups.row(item.redemptionId).catch(() => undefined);
      // Where the wallet does not answer, it is tried again: the redemption is over, and no failure may say otherwise.
      const view = row && row.state !== 'reserved' && (await lookups.view(row).catch(() => undefined));
      if (view) return view;
      const heard: Ending | 'unseen' | undefined = isUnseen
        ? await sleep(READ_AGAIN_MS)
        : await within(READ_AGAIN_MS, ending);
      if (heard && heard !== 'unseen') return heard;
      isUnseen ||= heard === 'unseen';
    }
    return undefined;
  };

  /**
   * The redemption that a refusal names. Where a use of the code stands against it, that is the phone's own, if it has one, so
   * that a client that lost its answer and asks again without a key is told; else `refused`.
   */
  const namedBy = async (
    reason: string,
    refused: string | null,
    codeId: string,
    { phone, currency }: Pick<WalletSide, 'phone' | 'currency'>,
  ): Promise<string | null> => {
    if (!OWN_USE_REASONS.has(reason)) return refused;
    if (phone === null || currency === null) return null;
    return await lookups.useBy(codeId, { phone, currency }).catch(() => null);
  };

  const pending = async (redemptionId: string) =>
    dispatcher.find(redemptionId)?.item ?? (await accepted.find(redemptionId));

  const workflowOf = (redemptionId: string) => dispatcher.find(redemptionId)?.workflowId;

  return { redeem, read, pending, workflowOf };
}

const OWN_USE_REASONS = new Set([
  'code-already-redeemed',
  'code-reserved',
  'code-exhausted',
  'per-wallet-limit',
  'budget-exhausted',
]);

function assertWhole(breaker: Breaker): void {
  const broken = breaker.broken();
  if (broken.length === 0) return;
  throw unavailable(`Out of order: ${broken.join(', ')}. Nothing has happened; try again.`);
}

const isUndone = ({ state }: RedemptionRow) => state === 'refused' || state === 'released';

const answer = (view: RedemptionView, replayed: boolean, times: StepTimes): RedemptionAnswer => ({
  redemptionId: view.row.id,
  completed: view.row.state !== 'reserved',
  view,
  replayed,
  times,
});

/** @param isFinal a row says so, for this Idempotency-Key: who was told to come again must not do so for ever */
function refusal(reason: string, redemptionId: string | null, { isFinal = false, replayed = false } = {}): Problem {
  const code: ProblemCode = isProblemCode(reason) ? reason : 'conflict';
  const isReserved = code === 'code-reserved';
  return new Problem(code, {
    ...(code !== reason && { detail: `The redemption was undone (${reason}).` }),
    ...(isReserved &&
      isFinal && {
        detail: 'Somebody was redeeming it when this Idempotency-Key came first. Try again with another one.',
      }),
    ...(redemptionId !== null && { members: { redemption_id: redemptionId } }),
    headers: {
      ...(replayed && { 'Idempotent-Replayed': 'true' }),
      ...(isReserved && !isFinal && { 'Retry-After': '1' }),
    },
  });
}

function outcomeUnknown(redemptionId: string, why: string): Problem {
  return new Problem('outcome-unknown', {
    detail: `${why} Look the redemption up, or repeat the request with the same Idempotency-Key.`,
    members: { redemption_id: redemptionId },
  });
}

function startProblem(error: unknown, redemptionId: string): unknown {
  if (error instanceof NotStarted) {
    return unavailable('Temporal cannot be reached. Nothing has happened; try again.');
  }
  if (error instanceof OtherContent) return new Problem('idempotency-key-reused');
  if (error instanceof OutcomeUnknown) return outcomeUnknown(redemptionId, 'Temporal did not answer.');
  return error;
}

function viewOf({ redemption, settlement }: Extract<Ending, { outcome: 'completed' }>): RedemptionView {
  return {
    row: redemption,
    side: {
      wallet_id: settlement.wallet_id,
      phone: settlement.phone,
      currency: settlement.currency,
      balance: settlement.balance_after,
      transaction_id: settlement.id,
      credited_at: settlement.created_at,
    },
  };
}

const isAbout = (row: RedemptionRow, item: RedemptionItem) =>
  row.code_id === item.codeId && row.wallet_id === item.walletId && row.reference === (item.reference ?? null);

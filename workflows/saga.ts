import {
  type ActivityOptions,
  defineSearchAttributeKey,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import {
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import {
  ABORT_SIGNAL,
  CODE_GROUP_ATTRIBUTE,
  type GiftCodeActivities,
  type NoticeActivities,
  type Outcome,
  POISON,
  type RedeemOptions,
  type RedemptionItem,
  redemptionWorkflowId,
  type SagaPart,
  type Settlement,
  STAGE_ATTRIBUTE,
  type WalletActivities,
} from './contracts.ts';
import type { redeem } from './redeem.ts';
import type { Entry, Step, StepActivities } from './steps.ts';

interface Tracked extends Entry {
  /** What undoes the steps that were begun, in the order they were begun. */
  undo: Step[];
  settlement?: Omit<Settlement, 'redemptionId'>;
}

const abortSignal = defineSignal<[string]>(ABORT_SIGNAL);
const stageAttribute = defineSearchAttributeKey(STAGE_ATTRIBUTE, 'KEYWORD');
const codeGroupAttribute = defineSearchAttributeKey(CODE_GROUP_ATTRIBUTE, 'KEYWORD');

/** Children started at the same time when a batch is split. */
const CHILDREN_AT_ONCE = 16;

/**
 * A list of redemptions on their way through the same steps. Business refusals are settled item by item and the rest
 * goes on. When a step cannot be done, items of a longer list each go to a workflow of their own, while a list of one
 * waits, visibly: its step becomes a regular activity that is retried until it succeeds.
 *
 * An undo is registered before the act it undoes, so that an act whose answer was lost is undone too. Undoing runs in
 * reverse, cannot be cancelled, and is repeated until it is done; it does nothing where the act never happened. An
 * aborted saga registers every undo without acting: another workflow may have acted for the same redemption.
 */
export class Saga {
  private readonly entries: Tracked[];
  private readonly options: RedeemOptions;
  private readonly first: StepActivities;
  private readonly patient: StepActivities;
  private readonly notices: NoticeActivities;
  private abortReason: string | undefined;
  private waitedVisibly = false;

  constructor(batch: RedemptionItem[], options: RedeemOptions) {
    this.entries = batch.map((item) => ({ item, undo: [] }));
    this.options = options;
    this.abortReason = options.abort;
    const local = { startToCloseTimeout: options.timeoutMs, localRetryThreshold: '1 minute' } as const;
    const retry = { initialInterval: Math.min(100, options.retryMaxMs), maximumInterval: options.retryMaxMs };
    const limited = { ...retry, maximumAttempts: options.attempts, nonRetryableErrorTypes: [POISON] };
    const queued = (how: ActivityOptions) =>
      byPart((part) => ({ taskQueue: options.taskQueues[part], startToCloseTimeout: options.timeoutMs, ...how }));
    this.first = options.apart
      ? queued({ retry: limited, scheduleToStartTimeout: options.timeoutMs })
      : proxyLocalActivities<StepActivities>({ ...local, retry: limited });
    this.patient = queued({ retry });
    this.notices = proxyLocalActivities<NoticeActivities>({ ...local, retry: { maximumAttempts: 1 } });
    setHandler(abortSignal, (reason) => {
      this.abortReason ??= reason;
    });
  }

  /** Does a step for every redemption still open, having registered what undoes it. */
  async step(step: Step, { undo }: { undo: Step }): Promise<void> {
    for (const entry of this.open()) entry.undo.push(undo);
    if (this.abortReason !== undefined) return;
    try {
      await this.act(step, { abortable: true });
    } catch (error) {
      if (!isCancellation(error)) throw error;
      this.abortReason ??= 'cancelled';
    }
  }

  /** The last step: from here on a redemption goes forward, unless it is to be aborted, which is done first. */
  async mustFinish(step: Step): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      if (this.abortReason !== undefined) await this.compensate(this.open(), this.abortReason);
      await this.act(step, { abortable: false });
    });
    for (const entry of this.open()) entry.settlement = { outcome: 'completed' };
    if (this.waitedVisibly) this.show('settled', 'This redemption is settled.');
  }

  /** How each redemption ended, in the order they came. */
  settlements(): Settlement[] {
    return this.entries.map(({ item, settlement }) => {
      return { redemptionId: item.redemptionId, ...(settlement ?? { outcome: 'handed-over' }) };
    });
  }

  private open(): Tracked[] {
    return this.entries.filter((entry) => !entry.settlement);
  }

  private async act(step: Step, how: { abortable: boolean }): Promise<void> {
    const entries = this.open();
    if (entries.length === 0) return;
    const outcomes = await this.attempt(step, entries, how);
    const refused: Tracked[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const entry = entries[index];
      if (!entry) continue;
      if (outcome.is === 'done') {
        if (outcome.amount !== undefined) entry.amount = outcome.amount;
        if (outcome.currency !== undefined) entry.currency = outcome.currency;
      } else if (outcome.is === 'over') {
        entry.settlement = settlementOf(outcome);
      } else if (outcome.is === 'refused') {
        entry.undo = entry.undo.slice(0, -1);
        entry.reason = outcome.reason;
        refused.push(entry);
      }
    }
    if (refused.length > 0) await CancellationScope.nonCancellable(() => this.compensate(refused));
  }

  /** Undoes what was begun, last first. One that turns out to be credited stays open, to be confirmed. */
  private async compensate(entries: Tracked[], reason?: string): Promise<void> {
    let left = entries;
    if (reason !== undefined) for (const entry of left) entry.reason = reason;
    while (left.length > 0) {
      const undo = left[0]?.undo.at(-1);
      if (!undo) return;
      const outcomes = await this.attempt(undo, left, { abortable: false });
      const next: Tracked[] = [];
      for (const [index, outcome] of outcomes.entries()) {
        const entry = left[index];
        if (!entry) continue;
        entry.undo = outcome.is === 'credited' ? [] : entry.undo.slice(0, -1);
        if (outcome.is === 'over') entry.settlement = settlementOf(outcome);
        else if (outcome.is !== 'credited') next.push(entry);
      }
      left = next;
    }
  }

  /** Tries a step as often as the options say; then splits a longer list (and answers nothing), or waits visibly. */
  private async attempt(step: Step, entries: Tracked[], { abortable }: { abortable: boolean }): Promise<Outcome[]> {
    try {
      return await step.call(this.first, entries);
    } catch (error) {
      if (isCancellation(error)) throw error;
      await this.announce(step, entries, error).catch(unlessCancelled);
      if (this.entries.length > 1) {
        await this.handOver(entries);
        return [];
      }
      return await this.waitVisibly(step, entries, abortable, error);
    }
  }

  private async announce(step: Step, entries: Tracked[], error: unknown): Promise<void> {
    await this.notices.announceHandOver({
      redemptionIds: entries.map((entry) => entry.item.redemptionId),
      step: step.name,
      part: step.part,
      error: rootMessage(error),
      outage: !isPoison(error),
    });
  }

  /** Gives each redemption to a workflow of its own, unless one is at it already. */
  private async handOver(entries: Tracked[]): Promise<void> {
    for (let from = 0; from < entries.length; from += CHILDREN_AT_ONCE) {
      await Promise.all(entries.slice(from, from + CHILDREN_AT_ONCE).map((entry) => this.startOwnWorkflow(entry)));
    }
    for (const entry of entries) entry.settlement = { outcome: 'handed-over' };
  }

  private async startOwnWorkflow({ item, reason, undo }: Tracked): Promise<void> {
    const { abort: _, ...options } = this.options;
    // One that is being undone goes on being undone. One with nothing left to undo was found credited, and goes forward.
    const abort = undo.length === 0 ? undefined : (reason ?? this.abortReason);
    const args: Parameters<typeof redeem> = [[item], abort === undefined ? options : { ...options, abort }];
    try {
      await CancellationScope.nonCancellable(() =>
        startChild<typeof redeem>('redeem', {
          workflowId: redemptionWorkflowId(item.redemptionId),
          args,
          parentClosePolicy: 'ABANDON',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        }),
      );
    } catch (error) {
      // With ALLOW_DUPLICATE only an open run is in the way, and that run does what this one would.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  private async waitVisibly(step: Step, entries: Tracked[], abortable: boolean, error: unknown): Promise<Outcome[]> {
    this.waitedVisibly = true;
    this.show(
      step.name,
      `Waiting for ${step.part} to ${step.name}. Last error of the first attempts: ${rootMessage(error)}`,
    );
    const scope = new CancellationScope({ cancellable: true });
    const outcomes = scope.run(() => step.call(this.patient, entries));
    if (abortable) {
      const cancel = () => scope.cancel();
      condition(() => this.abortReason !== undefined).then(cancel, cancel);
    }
    return await outcomes;
  }

  private show(stage: string, details: string): void {
    const groupId = this.entries[0]?.item.groupId ?? null;
    upsertSearchAttributes([
      { key: stageAttribute, value: stage },
      { key: codeGroupAttribute, value: groupId },
    ]);
    setCurrentDetails(details);
  }
}

function settlementOf(outcome: Extract<Outcome, { is: 'over' }>): Omit<Settlement, 'redemptionId'> {
  return { outcome: outcome.outcome, ...(outcome.reason !== undefined && { reason: outcome.reason }) };
}

function byPart(options: (part: SagaPart) => ActivityOptions): StepActivities {
  const giftCode = proxyActivities<GiftCodeActivities>(options('gift-code'));
  const wallet = proxyActivities<WalletActivities>(options('wallet'));
  return {
    reserve: giftCode.reserve,
    confirm: giftCode.confirm,
    release: giftCode.release,
    credit: wallet.credit,
    voidCredit: wallet.voidCredit,
  };
}

/** A failed activity wraps what it threw; a failed local activity throws it bare. */
function rootFailure(error: unknown): { message: string; type?: string | null } {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root instanceof Error ? root : { message: String(root) };
}

/** What nobody was told of is done all the same. */
function unlessCancelled(error: unknown): void {
  if (isCancellation(error)) throw error;
}

const rootMessage = (error: unknown) => rootFailure(error).message;
const isPoison = (error: unknown) => rootFailure(error).type === POISON;

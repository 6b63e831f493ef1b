import type { Client } from '@temporalio/client';
import type { StartBatch } from '../../activities/start-batch.ts';
import { startedWith } from '../../activities/start-redemption.ts';
import { batched, FEW } from '../../platform/batched.ts';
import type { Config } from '../../platform/config.ts';
import { newId } from '../../platform/ids.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { within } from '../../platform/within.ts';
import { type RedemptionItem, redemptionWorkflowId } from '../../workflows/contracts.ts';
import type { Ending, Endings, StepTimes } from './endings.ts';
import { answers } from './knock.ts';

/** A redemption that was sent on its way. */
export interface Dispatched {
  item: RedemptionItem;
  /** Resolved when Temporal has it. @throws NotStarted, OutcomeUnknown, OtherContent */
  started: Promise<void>;
  /** The workflow it was sent with; known once it is started. */
  workflowId?: string;
  /**
   * Resolved when this process saw its end, or else when its workflow has closed: where another process does the work, the
   * end is `unseen`. @throws as `started`
   */
  ending: Promise<Ending | 'unseen'>;
  times: StepTimes;
}

/** Temporal has not got it: nothing has happened, and nothing will. */
export class NotStarted extends Error {
  override name = 'NotStarted';
}

/** Nobody knows whether Temporal has it. */
export class OutcomeUnknown extends Error {
  override name = 'OutcomeUnknown';
}

/** Temporal has a workflow of this redemption's id, for something else. */
export class OtherContent extends Error {
  override name = 'OtherContent';
}

export interface Dispatcher {
  /** Sends a redemption on its way, or joins the same one: `joined` says that it was on its way already. */
  dispatch(item: RedemptionItem): { redemption: Dispatched; joined: boolean };
  /**
   * A redemption that this process has sent and whose end it has not seen; for as long as somebody holds it, also one that
   * has ended.
   */
  find(redemptionId: string): Dispatched | undefined;
  /**
   * To be called before the databases are asked about a redemption that may be dispatched: if the same one is under way now,
   * it is joined then, even if it ends in between. @returns how to let it go
   */
  hold(redemptionId: string): () => void;
  /** Whether a redemption that is dispatched now would wait for its batch: more than a few are under way. */
  isBusy(): boolean;
}

/** Where workflows are started. */
export interface StartTarget {
  startBatch: StartBatch;
  client: Client;
  /** host:port of the Temporal server. */
  address: string;
}

/** A redemption on its way, as it is kept here. */
interface Underway {
  redemption: Dispatched;
  queuedAt: number;
  started: Deferred<void>;
  ending: Deferred<Ending | 'unseen'>;
  hasEnded: boolean;
  /** It has ended, or is in a workflow of its own. */
  hasLeft: boolean;
  /** Its batch, once that has started, waits until all have left. */
  onLeft?(): void;
}

/** A workflow takes as much processor time as so many redemptions in one; measured, see docs/performance.md. */
const BATCH_OVERHEAD = 32;
/** A batch of which nothing was heard here for so long is asked for at the server. */
const ASK_SERVER_AFTER_MS = 300;
/** A redemption that another process ends is known here for this much longer, until its row or workflow tells of it. */
const FORGET_AFTER_MS = 10_000;
const START_RETRY_MS = 100;

/**
 * Group commit of sagas: at most a few batches are in flight, and what arrives meanwhile is the next one. A batch's
 * place is free when each of its redemptions has ended or has left for a workflow of its own.
 */
export function createDispatcher(
  temporal: StartTarget,
  endings: Endings,
  /** `isApart`: the steps are done by other processes, of which nothing is heard here. */
  limits: Config['dispatcher'] & { isApart: boolean },
  metrics: Metrics,
  onStartFailure: () => void,
): Dispatcher {
  const underway = new Map<string, Underway>();
  /** Of these, those that wait for their batch or are in it. */
  const inBatches = new Set<Underway>();
  const holders = new Map<string, number>();
  endings.onHandOver(({ redemptionIds }) => {
    for (const id of redemptionIds) {
      const one = underway.get(id);
      if (one) leave(one);
    }
  });
  const leave = (one: Underway) => {
    inBatches.delete(one);
    if (one.hasLeft) return;
    one.hasLeft = true;
    one.onLeft?.();
  };

  const forget = (one: Underway) => {
    const { redemptionId } = one.redemption.item;
    if (underway.get(redemptionId) !== one) return;
    underway.delete(redemptionId);
    endings.forget(redemptionId);
  };
  const forgetEnded = (redemptionId: string) => {
    if (!holders.has(redemptionId) && underway.get(redemptionId)?.hasEnded) underway.delete(redemptionId);
  };

  const enqueue = batched<Underway, void>(
    async (batch) => {
      metrics.batches.observe(batch.length);
      for (const { redemption, queuedAt } of batch) redemption.times.queue = performance.now() - queuedAt;
      // Of a batch, the one that waited longest.
      metrics.steps.observe({ step: 'queue' }, (batch[0]?.redemption.times.queue ?? 0) / 1000);
      const items = batch.map(({ redemption }) => redemption.item);
      try {
        const workflowId = await startWorkflow(temporal, items, limits.startTimeoutMs);
        for (const { redemption, started } of batch) {
          redemption.workflowId = workflowId;
          started.resolve();
        }
        const stepsSeen = () =>
          batch.reduce((steps, { redemption }) => steps + Object.keys(redemption.times).length, 0);
        const askAfterMs = limits.isApart ? 0 : ASK_SERVER_AFTER_MS;
        await over(temporal.client, workflowId, allLeft(batch), stepsSeen, askAfterMs);
        const elsewhere = batch.filter((one) => !one.hasEnded);
        for (const one of elsewhere) {
          inBatches.delete(one);
          if (!one.hasLeft) one.ending.resolve('unseen');
        }
        if (elsewhere.length > 0) setTimeout(() => elsewhere.forEach(forget), FORGET_AFTER_MS).unref();
      } catch (error) {
        if (!(error instanceof OtherContent)) onStartFailure();
        for (const one of batch) {
          one.started.reject(error as Error);
          one.ending.reject(error as Error);
          inBatches.delete(one);
          forget(one);
        }
      }
      return batch.map(() => undefined);
    },
    { max: limits.batchMax, inFlight: limits.batchesInFlight, overhead: BATCH_OVERHEAD },
  );

  return {
    find: (redemptionId) => underway.get(redemptionId)?.redemption,
    isBusy: () => inBatches.size > FEW,
    hold(redemptionId) {
      holders.set(redemptionId, (holders.get(redemptionId) ?? 0) + 1);
      return () => {
        const left = (holders.get(redemptionId) ?? 0) - 1;
        if (left > 0) return holders.set(redemptionId, left);
        holders.delete(redemptionId);
        forgetEnded(redemptionId);
      };
    },
    dispatch(item) {
      const known = underway.get(item.redemptionId);
      if (known) return { redemption: known.redemption, joined: true };
      const started = deferred<void>();
      const ending = deferred<Ending | 'unseen'>();
      const times = endings.expect(item.redemptionId, (end) => {
        ending.resolve(end);
        one.hasEnded = true;
        leave(one);
        forgetEnded(item.redemptionId);
      });
      const redemption: Dispatched = { item, started: started.promise, ending: ending.promise, times };
      const one: Underway = {
        redemption,
        queuedAt: performance.now(),
        started,
        ending,
        hasEnded: false,
        hasLeft: false,
      };
      underway.set(item.redemptionId, one);
      inBatches.add(one);
      void enqueue(one);
      return { redemption, joined: false };
    },
  };
}

/** Whether two are one redemption, asked for twice. */
export const isSameRequest = (a: RedemptionItem, b: RedemptionItem): boolean =>
  a.codeId === b.codeId && a.walletId === b.walletId && a.reference === b.reference;

/** Resolves when each of a batch has ended or has left. */
function allLeft(batch: Underway[]): Promise<true> {
  return new Promise((resolve) => {
    const staying = new Set(batch.filter((one) => !one.hasLeft));
    for (const one of staying) {
      one.onLeft = () => {
        staying.delete(one);
        if (staying.size === 0) resolve(true);
      };
    }
    if (staying.size === 0) resolve(true);
  });
}

/**
 * Starts a batch's workflow; while the answer is lost, the same start again. One of a redemption's own may be there already,
 * for the same request. @returns its id @throws NotStarted, OutcomeUnknown, OtherContent
 */
async function startWorkflow(
  { startBatch, address, client }: StartTarget,
  items: RedemptionItem[],
  timeoutMs: number,
): Promise<string> {
  const only = items.length === 1 ? items[0] : undefined;
  const workflowId = only ? redemptionWorkflowId(only.redemptionId) : `redemptions-${newId()}`;
  const giveUpAt = performance.now() + timeoutMs;
  // Once a start was sent, an error tells nothing of what became of it. So it is not sent where nobody listens.
  if (!(await answers(address, timeoutMs))) throw new NotStarted(`nobody listens at ${address}`);
  for (;;) {
    try {
      const isNew = await within(giveUpAt - performance.now(), startBatch(workflowId, items));
      if (isNew === undefined) throw new OutcomeUnknown('no answer in time');
      if (only && !isNew) {
        const [there] = await startedWith(client, workflowId);
        if (there && !isSameRequest(there, only)) throw new OtherContent(workflowId);
      }
      return workflowId;
    } catch (error) {
      if (error instanceof OtherContent) throw error;
      if (performance.now() >= giveUpAt) throw new OutcomeUnknown(String(error));
      await new Promise((resolve) => setTimeout(resolve, START_RETRY_MS));
    }
  }
}

/**
 * Resolves when all of a batch have left, or its workflow has closed; the server is asked only where this process's own
 * worker is silent.
 */
async function over(
  client: Client,
  workflowId: string,
  left: Promise<true>,
  stepsSeen: () => number,
  askAfterMs: number,
): Promise<void> {
  for (let seen = -1; seen !== stepsSeen(); ) {
    seen = stepsSeen();
    if (await within(askAfterMs, left)) return;
  }
  const result = client.workflow.getHandle(workflowId).result();
  await Promise.race([left, result.catch(() => undefined)]);
}

interface Deferred<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

/** A promise that others settle; one that fails and that nobody waits for is no error of its own. */
function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

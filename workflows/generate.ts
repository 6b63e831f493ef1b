import {
  ActivityCancellationType,
  CancellationScope,
  defineQuery,
  isCancellation,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import {
  GENERATION_QUERY,
  type GenerationActivities,
  type GenerationOrder,
  type GenerationProgress,
  generationTaskQueue,
  POISON,
  type RedeemOptions,
} from './contracts.ts';

/** Makes a generation's codes, some chunks an activity. The generation's row decides what is made and when it is over. */
export async function generate(order: GenerationOrder, options: RedeemOptions): Promise<GenerationProgress> {
  let progress: GenerationProgress = { state: 'running', made: 0, total: order.total };
  setHandler(defineQuery<GenerationProgress>(GENERATION_QUERY), () => progress);
  const { generateCodes, endGeneration } = proxyActivities<GenerationActivities>({
    taskQueue: generationTaskQueue(options.taskQueues['gift-code']),
    startToCloseTimeout: '10 minutes',
    // A chunk takes one attempt at a step at most.
    heartbeatTimeout: 2 * options.timeoutMs,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumInterval: options.retryMaxMs, nonRetryableErrorTypes: [POISON] },
  });
  try {
    while (progress.state === 'running') progress = await generateCodes(order.generationId);
  } catch (error) {
    const end = isCancellation(error) ? 'cancelled' : 'failed';
    progress = await CancellationScope.nonCancellable(() => endGeneration(order.generationId, end));
    throw error;
  }
  return progress;
}

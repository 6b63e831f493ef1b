import {
  Connection,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  type Metadata,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import type { TemporalSettings } from '../platform/config.ts';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];

const NAMESPACE_HEADER = 'temporal-namespace';
/** A call that is not answered by then fails. */
const CALL_TIMEOUT_MS = 5_000;
/** Answered only when there is something new: whoever asks limits the time. */
const LONG_POLL = '/GetWorkflowExecutionHistory';

/** The SDK's own way to set deadlines takes an AsyncLocalStorage as well. */
const limitTime: Interceptor = (options, nextCall) => {
  const { deadline = Date.now() + CALL_TIMEOUT_MS, method_definition: method } = options;
  return nextCall(method.path.endsWith(LONG_POLL) ? options : { ...options, deadline }) as ReturnType<Interceptor>;
};

/**
 * Connects to Temporal at the first call. The namespace's header goes with every call, instead of being added call by call
 * as the SDK does: that takes an AsyncLocalStorage, and once one was used, Node tells it of each promise of the thread, until
 * the connection is closed. See docs/adr/0016.
 */
export function lazyConnection(
  address: string,
  { namespace, signIn }: Pick<TemporalSettings, 'namespace' | 'signIn'>,
): Connection {
  class OneNamespace extends Connection {
    override withMetadata<T>(metadata: Metadata, call: () => Promise<T>): Promise<T> {
      const { [NAMESPACE_HEADER]: meant, ...others } = metadata;
      return meant === namespace && Object.keys(others).length === 0 ? call() : super.withMetadata(metadata, call);
    }
  }
  return OneNamespace.lazy({
    ...signIn,
    address,
    metadata: { ...signIn.metadata, [NAMESPACE_HEADER]: namespace },
    interceptors: [limitTime, makeGrpcRetryInterceptor(defaultGrpcRetryOptions())],
  });
}

import { Connection, type Metadata } from '@temporalio/client';

const NAMESPACE_HEADER = 'temporal-namespace';

/**
 * Connects to Temporal at the first call. The namespace's header goes with every call, instead of being added call by call
 * as the SDK does: that takes an AsyncLocalStorage, and once one was used, Node tells it of each promise of the thread, until
 * the connection is closed. See docs/adr/0016.
 */
export function lazyConnection(address: string, namespace: string): Connection {
  class OneNamespace extends Connection {
    override withMetadata<T>(metadata: Metadata, call: () => Promise<T>): Promise<T> {
      const { [NAMESPACE_HEADER]: meant, ...others } = metadata;
      return meant === namespace && Object.keys(others).length === 0 ? call() : super.withMetadata(metadata, call);
    }
  }
  return OneNamespace.lazy({ address, metadata: { [NAMESPACE_HEADER]: namespace } });
}

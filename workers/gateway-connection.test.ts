import { AsyncLocalStorage } from 'node:async_hooks';
import { Connection } from '@temporalio/client';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { forFile } from '../test/harness.ts';
import { lazyConnection } from './gateway-connection.ts';

const address = inject('servers').temporalAddress;
const namespace = 'default';
const gateway = await forFile(Promise.resolve(lazyConnection(address, { namespace, signIn: {} })));
const usual = await forFile(Promise.resolve(Connection.lazy({ address })));
const run = vi.spyOn(AsyncLocalStorage.prototype, 'run');
afterEach(() => run.mockClear());

test('asks without an AsyncLocalStorage, where the SDK takes one', async () => {
  const { namespaceInfo } = await gateway.workflowService.describeNamespace({ namespace });
  expect(namespaceInfo?.name).toBe(namespace);
  expect(run).not.toHaveBeenCalled();
  await usual.workflowService.describeNamespace({ namespace });
  expect(run).toHaveBeenCalled();
});

test('what somebody adds to a call goes the usual way', async () => {
  const asked = gateway.withMetadata({ 'temporal-namespace': namespace, extra: 'x' }, () =>
    gateway.workflowService.describeNamespace({ namespace }),
  );
  expect((await asked).namespaceInfo?.name).toBe(namespace);
  expect(run).toHaveBeenCalled();
});

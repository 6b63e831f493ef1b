import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { startedWith } from '../activities/start-redemption.ts';
import { lockRows, someoneWaits } from './faults.ts';
import { assertCoherent, createWorld, forFile, makeCodes, newPhone, until } from './harness.ts';
import { spawnIn, type TestProcess } from './process.ts';

const SETTINGS = {
  // Each redemption gets a batch of its own, so that one process holds one at every stage.
  VOUCHSAFE_BATCH_MAX: '1',
  VOUCHSAFE_BATCHES_IN_FLIGHT: '8',
  VOUCHSAFE_STEP_TIMEOUT_MS: '60000',
};

const world = await forFile(createWorld());
const doomed = await spawnIn(world, SETTINGS);
let heir: TestProcess | undefined;
afterAll(async () => {
  await doomed.kill();
  await heir?.close();
});

test('a worker killed between any two steps costs nothing: each redemption completes once on another worker', async () => {
  const codes = await makeCodes(doomed, 4);
  const phones = codes.map(newPhone);
  const codeIds = await Promise.all(
    codes.map(async (code) => (await doomed.call('POST', '/v1/codes/lookup', { code })).body.id as string),
  );
  const walletIds = await Promise.all(
    phones.map(async (phone) => (await doomed.call('POST', '/v1/wallets', { phone })).body.id as string),
  );
  const wallet = (index: number) => lockRows(world.urls.walletDatabase, 'wallets', walletIds[index] ?? '');
  const code = (index: number) => lockRows(world.urls.giftCodeDatabase, 'codes', codeIds[index] ?? '');
  const send = async (index: number) => {
    const answer = await doomed.call(
      'POST',
      '/v1/redemptions',
      { code: codes[index], phone: phones[index] },
      { Prefer: 'wait=0' },
    );
    expect(answer.status).toBe(202);
    return answer.body.id as string;
  };
  const stateOf = async (id: string) =>
    (await world.giftCode.query('select state from redemptions where id = $1', [id])).rows[0]?.state;
  const isCredited = async (id: string) =>
    (await world.wallet.query('select from transfers where id = $1', [id])).rowCount === 1;

  // 0: after the start, before reserve.
  const letGo = [await code(0)];
  const ids = [await send(0)];
  await someoneWaits(world.giftCode, 'reserve');
  // 1: after reserve, before credit.
  letGo.push(await wallet(1));
  ids.push(await send(1));
  await someoneWaits(world.wallet, 'credit');
  // 2: after credit, before confirm.
  const letWalletGo = await wallet(2);
  ids.push(await send(2));
  await until(async () => (await stateOf(ids[2] ?? '')) === 'reserved');
  letGo.push(await code(2));
  await letWalletGo();
  await until(() => isCredited(ids[2] ?? ''));
  await someoneWaits(world.giftCode, 'confirm');
  // 3: after confirm.
  ids.push(await send(3));
  await until(async () => (await stateOf(ids[3] ?? '')) === 'completed');

  await doomed.kill();
  // The killed process's statements wait on, and will commit late, beside the next worker's.
  for (const release of letGo) await release();
  heir = await spawnIn(world, SETTINGS);
  for (const id of ids) await until(async () => (await stateOf(id)) === 'completed');
  for (const [index, id] of ids.entries()) {
    const { body } = await heir.call('GET', `/v1/redemptions/${id}`);
    expect(body).toMatchObject({
      state: 'completed',
      transaction_id: id,
      wallet: { phone: phones[index], balance: { value: 1000 } },
    });
    await until(
      async () => (await world.temporal.workflow.getHandle(`redemption-${id}`).describe()).status.name === 'COMPLETED',
    );
  }
  await assertCoherent(world);
});

test('what a killed process had accepted is known to the next one, though its code can no longer be redeemed', async () => {
  // A place for each: none is to wait for another one's locks before it is accepted.
  const settings = { VOUCHSAFE_STEP_TIMEOUT_MS: '60000', VOUCHSAFE_BATCHES_IN_FLIGHT: '8' };
  const killed = await spawnIn(world, settings);
  const codes = await makeCodes(killed, 6);
  const found = await Promise.all(codes.map((code) => killed.call('POST', '/v1/codes/lookup', { code })));
  const locks = await Promise.all(found.map(({ body }) => lockRows(world.urls.giftCodeDatabase, 'codes', body.id)));
  const requests = codes.map((code) => ({ body: { code, phone: newPhone() }, key: randomUUID() }));
  const send = (at: TestProcess, wait: number) =>
    Promise.all(
      requests.map(({ body, key }) =>
        at.call('POST', '/v1/redemptions', body, { Prefer: `wait=${wait}`, 'Idempotency-Key': key }),
      ),
    );
  const accepted = await send(killed, 0);
  expect(accepted.map(({ status, body }) => [status, body.state])).toEqual(codes.map(() => [202, 'pending']));
  await someoneWaits(world.giftCode, 'reserve');
  const groupId = accepted[0]?.body.code.group_id;
  await world.giftCode.query('update code_groups set ends_at = now() where id = $1', [groupId]);
  await killed.kill();
  // The next one reads what was accepted from Temporal's list, which follows.
  const ids = accepted.map(({ body }) => body.id as string);
  await until(async () => {
    const query = `WorkflowType = 'redeem' and TaskQueue = '${world.taskQueue}' and ExecutionStatus = 'Running'`;
    const running = new Set<string>();
    for await (const { workflowId } of world.temporal.workflow.list({ query })) {
      for (const { redemptionId } of await startedWith(world.temporal, workflowId)) running.add(redemptionId);
    }
    return ids.every((id) => running.has(id));
  });
  const next = await spawnIn(world, settings);
  try {
    for (const { status, body } of await send(next, 0)) expect([status, body.state]).toEqual([202, 'pending']);
    for (const letGo of locks) await letGo();
    for (const [index, { status, body }] of (await send(next, 30)).entries()) {
      expect([status, body.id, body.state]).toEqual([201, accepted[index]?.body.id, 'completed']);
    }
  } finally {
    await next.close();
  }
  await assertCoherent(world);
});

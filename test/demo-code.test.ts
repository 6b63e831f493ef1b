import { expect, test } from 'vitest';
import { freshDemoCode } from '../workers/demo-code.ts';
import { ADMIN_KEY, createWorld, forFile, newPhone, startIn } from './harness.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));
const fresh = (currency: string) => freshDemoCode(service.url, ADMIN_KEY, currency);
const amountOf = async (code: string | undefined) =>
  (await service.call('POST', '/v1/codes/lookup', { code })).body.amount;

test('a demo code is worth 10 units of the currency, and another one when it is used', async () => {
  const code = await fresh('KWD');
  expect(await amountOf(code)).toEqual({ value: 10_000, currency: 'KWD' });
  expect(await amountOf(await fresh('JPY'))).toEqual({ value: 10, currency: 'JPY' });
  // What the command `demo` makes is called alike.
  const amount = { value: 1_000, currency: 'KWD' };
  await service.call('POST', '/v1/code-groups', { name: 'Demo 2026', amount, count: 1 });
  expect(await fresh('KWD')).toBe(code);
  expect((await service.call('POST', '/v1/redemptions', { code, phone: newPhone() })).status).toBe(201);
  const next = await fresh('KWD');
  expect(next).not.toBe(code);
  const groups = (await service.call('GET', '/v1/code-groups?q=Demo')).body.items;
  expect(groups).toHaveLength(3);
});

test('a demo code can be redeemed: where its group was disabled, it is one of another group', async () => {
  const code = await fresh('EUR');
  const { body } = await service.call('POST', '/v1/codes/lookup', { code });
  await service.call('PATCH', `/v1/code-groups/${body.group_id ?? body.group.id}`, { disabled: true });
  const other = await fresh('EUR');
  expect((await service.call('POST', '/v1/code-checks', { code: other })).body.redeemable).toBe(true);
  expect(await fresh('EUR')).toBe(other);
});

import { expect, test } from 'vitest';
import { assertCoherent, createWorld, forFile, makeCodes, makeCoupon, newPhone, startIn } from './harness.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));

const redeem = (code: string | undefined, phone: string) => service.call('POST', '/v1/redemptions', { code, phone });
const check = async (body: Record<string, unknown>) => (await service.call('POST', '/v1/code-checks', body)).body;
const groupOf = async (code: string | undefined) =>
  (await service.call('POST', '/v1/codes/lookup', { code })).body.group.id as string;

test('a limit per wallet set on a running campaign counts what was redeemed before', async () => {
  const coupon = await makeCoupon(service, 100);
  const group = `/v1/code-groups/${await groupOf(coupon)}`;
  const phone = newPhone();
  await redeem(coupon, phone);
  await redeem(coupon, phone);
  expect((await service.call('PATCH', group, { per_wallet_limit: 2 })).body).toMatchObject({ per_wallet_limit: 2 });
  expect((await redeem(coupon, phone)).body.code).toBe('per-wallet-limit');
  expect((await redeem(coupon, newPhone())).status).toBe(201);
  await service.call('PATCH', group, { per_wallet_limit: null });
  expect((await redeem(coupon, phone)).status).toBe(201);
  await service.call('PATCH', group, { per_wallet_limit: 4 });
  expect((await redeem(coupon, phone)).status).toBe(201);
  expect((await redeem(coupon, phone)).body.code).toBe('per-wallet-limit');
  await assertCoherent(world);
});

test('a limit set while redemptions are under way misses none of them', async () => {
  const coupon = await makeCoupon(service, 1_000);
  const group = `/v1/code-groups/${await groupOf(coupon)}`;
  const phones = Array.from({ length: 10 }, newPhone);
  const answers = Promise.all(Array.from({ length: 300 }, (_, index) => redeem(coupon, phones[index % 10] ?? '')));
  for (const limit of [5, null, 8, null, 12])
    await service.call('PATCH', group, { per_wallet_limit: limit, budget: null });
  await service.call('PATCH', group, { budget: { value: 500_000, currency: 'USD' } });
  await answers;
  await assertCoherent(world);
  const { rows } = await world.giftCode.query(
    `select g.budget_used::int as used, (select sum(amount)::int from redemptions r where r.group_id = g.id and state = 'completed') as spent
     from code_groups g where g.budget is not null`,
  );
  expect(rows[0].used).toBe(rows[0].spent);
});

test('a budget cannot be set below what was spent, nor a window be reversed', async () => {
  const coupon = await makeCoupon(service, 10);
  const group = `/v1/code-groups/${await groupOf(coupon)}`;
  await redeem(coupon, newPhone());
  const patch = async (body: unknown) => (await service.call('PATCH', group, body)).body;
  expect(await patch({ budget: { value: 999, currency: 'USD' } })).toMatchObject({ status: 409, code: 'conflict' });
  expect(await patch({ budget: { value: 1000, currency: 'EUR' } })).toMatchObject({
    code: 'invalid-request',
    errors: [{ pointer: '/budget/currency' }],
  });
  expect(await patch({ budget: { value: 1000, currency: 'USD' } })).toMatchObject({ budget: { value: 1000 } });
  expect((await redeem(coupon, newPhone())).body.code).toBe('budget-exhausted');
  expect(await patch({ starts_at: '2030-01-01T00:00:00Z', ends_at: '2029-01-01T00:00:00Z' })).toMatchObject({
    status: 400,
    errors: [{ pointer: '/ends_at' }],
  });
});

test('switches for group, code and wallet work both ways, and their events have their places', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  const { body: details } = await service.call('POST', '/v1/codes/lookup', { code });
  const refusedAs = async () => (await redeem(code, phone)).body.code;
  await service.call('PATCH', `/v1/code-groups/${details.group.id}`, { disabled: true });
  expect(await refusedAs()).toBe('group-disabled');
  await service.call('PATCH', `/v1/code-groups/${details.group.id}`, { disabled: false });
  expect((await service.call('PATCH', `/v1/codes/${details.id}`, { disabled: true })).body.state).toBe('disabled');
  expect(await refusedAs()).toBe('code-disabled');
  await service.call('PATCH', `/v1/codes/${details.id}`, { disabled: false });
  await service.call('POST', '/v1/wallets', { phone });
  expect((await service.call('PATCH', `/v1/wallets/${phone}`, { state: 'frozen' })).body.state).toBe('frozen');
  expect(await refusedAs()).toBe('wallet-frozen');
  await service.call('PATCH', `/v1/wallets/${phone}`, { state: 'active' });
  expect((await redeem(code, phone)).status).toBe(201);
  const { rows } = await world.giftCode.query(
    'select type, aggregate_version::int as version from outbox where aggregate_id = $1 order by sequence',
    [details.group.id],
  );
  expect(rows).toEqual([
    { type: 'code_group.created', version: 1 },
    { type: 'code_group.updated', version: 2 },
    { type: 'code_group.updated', version: 3 },
    { type: 'code.updated', version: 4 },
    { type: 'code.updated', version: 5 },
  ]);
  await assertCoherent(world);
});

test('the event of a change names what changed as the API does', async () => {
  const group = `/v1/code-groups/${await groupOf(await makeCoupon(service, 1))}`;
  const changes = {
    name: 'Renamed',
    starts_at: '2020-01-01T00:00:00Z',
    ends_at: '2099-01-01T00:00:00Z',
    per_wallet_limit: 2,
    budget: { value: 1000, currency: 'USD' },
    disabled: true,
    metadata: { season: 'spring' },
  };
  const { body } = await service.call('PATCH', group, changes);
  const { rows } = await world.giftCode.query(
    `select data from outbox where aggregate_id = $1 and type = 'code_group.updated'`,
    [body.id],
  );
  const data = { code_group_id: body.id, name: 'Renamed', disabled: true, changed: Object.keys(changes).sort() };
  expect(rows).toEqual([{ data }]);
});

test('a dry run tells what a redemption would, and changes nothing', async () => {
  const coupon = await makeCoupon(service, 2, { per_wallet_limit: 1, ends_at: '2099-01-01T00:00:00Z' });
  const phone = newPhone();
  const amount = { value: 1000, currency: 'USD' };
  expect(await check({ code: coupon })).toEqual({ redeemable: true, amount });
  expect(await check({ code: coupon, at: '2099-01-01T00:00:00Z' })).toEqual({
    redeemable: false,
    reason: 'code-expired',
    amount,
  });
  await redeem(coupon, phone);
  expect(await check({ code: coupon, phone })).toEqual({ redeemable: false, reason: 'per-wallet-limit', amount });
  expect(await check({ code: coupon, phone: newPhone() })).toEqual({ redeemable: true, amount });
  await redeem(coupon, newPhone());
  expect(await check({ code: coupon })).toMatchObject({ redeemable: false, reason: 'code-exhausted' });
  expect(await check({ code: 'NOSUCHCODE' })).toEqual({ redeemable: false, reason: 'code-not-found' });
  const frozen = newPhone();
  await service.call('POST', '/v1/wallets', { phone: frozen });
  await service.call('PATCH', `/v1/wallets/${frozen}`, { state: 'frozen' });
  const [code] = await makeCodes(service, 1);
  expect(await check({ code, phone: frozen })).toMatchObject({ redeemable: false, reason: 'wallet-frozen' });
});

test('redeemers and codes.csv tell who and what', async () => {
  const codes = await makeCodes(service, 3, { prefix: 'CSV' });
  const phone = newPhone();
  await redeem(codes[0], phone);
  await redeem(codes[1], phone);
  const group = `/v1/code-groups/${await groupOf(codes[0])}`;
  expect((await service.call('GET', `${group}/redeemers`)).body.items).toEqual([
    {
      phone,
      wallet_id: expect.any(String),
      redemptions: 2,
      credited: { value: 2000, currency: 'USD' },
      last_redeemed_at: expect.any(String),
    },
  ]);
  const response = await fetch(`${service.url}${group}/codes.csv`, {
    headers: { Authorization: 'Bearer test-admin-key-0123456789' },
  });
  expect(response.headers.get('Content-Type')).toBe('text/csv; charset=utf-8');
  const [header, ...lines] = (await response.text()).trimEnd().split('\n');
  expect(header).toBe('id,code,state,max_redemptions,redemptions,last_redeemed_at');
  expect(lines.map((line) => line.split(',').slice(1, 5))).toEqual(
    codes.map((code, index) => [code, index < 2 ? 'used' : 'unused', '1', index < 2 ? '1' : '0']),
  );
});

test('a list of codes tells who has which, and since when', async () => {
  const group = await service.call('POST', '/v1/code-groups', {
    name: 'Eid',
    amount: { value: 1_000, currency: 'USD' },
    codes: ['ONE', 'TWO', 'SIX', 'TEN'].map((name) => ({
      code: `${name}${Date.now()}`,
      max_redemptions: name === 'TEN' ? 2 : 1,
    })),
  });
  const [kept, freed, unused, coupon] = group.body.codes.map(({ code }: { code: string }) => code);
  const phone = newPhone();
  const redeemed = new Map<string, string>();
  for (const code of [kept, freed, coupon]) redeemed.set(code, (await redeem(code, phone)).body.id);
  for (const [code, then] of [
    [kept, 'void'],
    [freed, 'free'],
  ]) {
    const path = `/v1/redemptions/${redeemed.get(code)}/reverse`;
    expect((await service.call('POST', path, { reason: 'test', code: then })).status).toBe(200);
  }
  const again = (await redeem(freed, newPhone())).body;
  const { items } = (await service.call('GET', `/v1/code-groups/${group.body.id}/codes`)).body;
  const of = (code: string) => items.find((item: { code: string }) => item.code === code).redemption;
  expect(of(unused)).toBeNull();
  expect(of(coupon)).toBeNull();
  expect(of(kept)).toMatchObject({ id: redeemed.get(kept), phone, state: 'reversed' });
  const { id, created_at, completed_at, transaction_id, wallet } = again;
  const use = {
    id,
    state: 'completed',
    created_at,
    completed_at,
    transaction_id,
    phone: wallet.phone,
    wallet_id: wallet.id,
  };
  expect(of(freed)).toEqual(use);
});

import { expect, test } from 'vitest';
import { createWorld, forFile, makeCodes, makeCoupon, newPhone, startIn, until } from './harness.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world, { VOUCHSAFE_SWEEP_EVERY_MS: '1000', VOUCHSAFE_STEP_TIMEOUT_MS: '2000' }));

const redeem = async (code: string) =>
  (await service.call('POST', '/v1/redemptions', { code, phone: newPhone() })).body;
const statsOf = async (groupId: string) => (await service.call('GET', `/v1/code-groups/${groupId}/stats`)).body;

/** Redemptions of a group that the sweeper has counted. */
async function rolled(groupId: string): Promise<number> {
  const { rows } = await world.giftCode.query(
    `select count(*)::int as rolled from redemptions r join rollups u on u.group_id = r.group_id and r.created_at < u.rolled_to
     where r.group_id = $1`,
    [groupId],
  );
  return rows[0].rolled;
}

test('the sweeper counts what is settled; the statistics stay the same, and a reversal changes them at once', async () => {
  const codes = await makeCodes(service, 3);
  const coupon = await makeCoupon(service, 3);
  const first = await redeem(codes[0] ?? '');
  await redeem(codes[1] ?? '');
  const use = await redeem(coupon);
  await redeem(coupon);
  const [group, coupons] = [first.code.group_id, use.code.group_id];
  const before = [await statsOf(group), await statsOf(coupons)];
  expect(before).toMatchObject([
    { codes: { used: 2, unused: 1 }, redemptions: { completed: 2 } },
    { codes: { partly_used: 1 }, places: { redeemed: 2, left: 1 } },
  ]);
  await until(async () => (await rolled(group)) === 2 && (await rolled(coupons)) === 2);
  expect([await statsOf(group), await statsOf(coupons)]).toEqual(before);

  for (const { id } of [first, use]) {
    expect([200, 202]).toContain(
      (await service.call('POST', `/v1/redemptions/${id}/reverse`, { reason: 'refund', code: 'free' })).status,
    );
    await until(async () => (await service.call('GET', `/v1/redemptions/${id}`)).body.state === 'reversed');
  }
  expect([await statsOf(group), await statsOf(coupons)]).toMatchObject([
    { codes: { used: 1, unused: 2 }, redemptions: { completed: 1, reversed: 1 }, redeemers: 1 },
    { codes: { partly_used: 1 }, places: { redeemed: 1, left: 2 }, redemptions: { completed: 1, reversed: 1 } },
  ]);
  const { body } = await service.call('POST', '/v1/reconciliations', undefined, { Prefer: 'wait=30' });
  expect(body).toMatchObject({ state: 'balanced', faults: [] });
});

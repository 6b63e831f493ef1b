import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  assertCoherent,
  createWorld,
  forFile,
  makeCodes,
  makeCoupon,
  newPhone,
  startIn,
  type TestService,
} from './harness.ts';

const world = await forFile(createWorld());
const gateways = [await forFile(startIn(world)), await forFile(startIn(world))];

const redeem = (index: number, code: string | undefined, phone: string, key?: string) => {
  const gateway = gateways[index % gateways.length];
  if (!gateway) throw new Error('no gateway');
  return gateway.call('POST', '/v1/redemptions', { code, phone }, key ? { 'Idempotency-Key': key } : {});
};
const first = () => gateways[0] as TestService;

test('the same Idempotency-Key at two gateways at once is one redemption with equal answers', async () => {
  const codes = await makeCodes(first(), 20);
  for (const code of codes) {
    const phone = newPhone();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => redeem(index, code, phone, key)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 201]);
    const untold = answers.map(({ body }) => ({ ...body, workflow_id: null, trace_url: null }));
    expect(new Set(untold.map((body) => JSON.stringify(body))).size).toBe(1);
  }
  const { rows } = await world.wallet.query(
    `select count(*)::int as transfers from transfers where kind = 'redemption'`,
  );
  expect(rows).toEqual([{ transfers: 20 }]);
  await assertCoherent(world);
});

test('the same key with two codes at two gateways redeems one of them', async () => {
  const codes = await makeCodes(first(), 20);
  for (let index = 0; index < codes.length; index += 2) {
    const key = randomUUID();
    const phone = newPhone();
    const answers = await Promise.all([redeem(0, codes[index], phone, key), redeem(1, codes[index + 1], phone, key)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
  }
  await assertCoherent(world);
});

test('the same key at two gateways does not meet the limit that it has reached itself', async () => {
  const coupon = await makeCoupon(first(), 5, { per_wallet_limit: 1 });
  const [phone, key] = [newPhone(), randomUUID()];
  // Limits are looked at long after the door: meanwhile the first request of the key redeems.
  await world.giftCode.query(`
    alter function limit_reached_1(uuid, uuid) rename to limit_reached_at_once;
    create function limit_reached_1(asked_group uuid, wallet uuid) returns boolean language plpgsql volatile as $$
    begin
      perform pg_sleep(0.6);
      return limit_reached_at_once(asked_group, wallet);
    end $$`);
  const one = redeem(0, coupon, phone, key);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const answers = await Promise.all([one, redeem(1, coupon, phone, key)]);
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  expect(answers[1]?.body.id).toBe(answers[0]?.body.id);
  expect((await redeem(0, coupon, phone)).body).toMatchObject({
    code: 'per-wallet-limit',
    redemption_id: answers[0]?.body.id,
  });
  await world.giftCode.query(`
    drop function limit_reached_1;
    alter function limit_reached_at_once(uuid, uuid) rename to limit_reached_1`);
  await assertCoherent(world);
});

test('a coupon is not oversold by two gateways, nor a wallet’s limit exceeded', async () => {
  const coupon = await makeCoupon(first(), 50, { per_wallet_limit: 1 });
  const phones = Array.from({ length: 100 }, newPhone);
  const answers = await Promise.all([...phones, ...phones].map((phone, index) => redeem(index, coupon, phone)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
  const { rows } = await world.giftCode.query(
    `select max(n)::int as most from (select count(*) as n from redemptions where state = 'completed' and group_id =
      (select group_id from codes where max_redemptions = 50) group by wallet_id) per_wallet`,
  );
  expect(rows).toEqual([{ most: 1 }]);
  await assertCoherent(world);
});

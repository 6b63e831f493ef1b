import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { redemptionWorkflowId } from '../workflows/contracts.ts';
import { untilWaiting } from './database.ts';
import { lockRows } from './faults.ts';
import { assertCoherent, createWorld, forFile, makeCodes, makeCoupon, newPhone, startIn, until } from './harness.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));

const redeem = (code: string | undefined, phone: string, headers?: Record<string, string>) =>
  service.call('POST', '/v1/redemptions', { code, phone }, headers);

describe('a redemption', () => {
  test('is answered with both sides merged, stands in both databases and in the stream', async () => {
    const [code] = await makeCodes(service, 1, { name: 'Eid', prefix: 'eid' });
    const phone = newPhone();
    const answer = await service.call('POST', '/v1/redemptions', {
      code: code?.toLowerCase(),
      phone,
      reference: 'order-7',
    });
    expect(answer.status).toBe(201);
    const { id } = answer.body;
    expect(answer.body).toEqual({
      id,
      state: 'completed',
      amount: { value: 1000, currency: 'USD' },
      reference: 'order-7',
      code: {
        id: expect.any(String),
        group_id: expect.any(String),
        group_name: 'Eid',
        last4: code?.slice(-4),
        redemptions: 1,
        max_redemptions: 1,
      },
      wallet: { id: expect.any(String), phone, balance: { value: 1000, currency: 'USD' } },
      transaction_id: id,
      workflow_id: `redemption-${id}`,
      trace_url: `${world.urls.temporalWebUi}/namespaces/default/workflows/redemption-${id}`,
      created_at: expect.stringMatching(/Z$/),
      completed_at: expect.stringMatching(/Z$/),
    });
    expect(answer.headers.get('Location')).toBe(`/v1/redemptions/${id}`);
    expect(answer.headers.get('Server-Timing')).toMatch(/queue;dur=.*reserve;dur=.*credit;dur=.*confirm;dur=/);
    expect((await service.call('GET', `/v1/redemptions/${id}`)).body).toEqual(answer.body);

    const { rows } = await world.giftCode.query(
      'select state, use_number, workflow_id from redemptions where id = $1',
      [id],
    );
    expect(rows).toEqual([{ state: 'completed', use_number: 1, workflow_id: `redemption-${id}` }]);
    const transfers = await world.wallet.query(
      'select kind, amount, balance_after, credit_account from transfers where id = $1',
      [id],
    );
    expect(transfers.rows).toEqual([
      { kind: 'redemption', amount: '1000', balance_after: '1000', credit_account: answer.body.wallet.id },
    ]);
    const events = await until(async () => {
      const all = await world.events();
      const ours = all.filter((event) => [id, answer.body.wallet.id].includes(event.subject));
      return ours.length >= 4 && ours;
    });
    expect(events.map((event) => event.type).sort()).toEqual([
      'redemption.completed',
      'redemption.reserved',
      'wallet.created',
      'wallet.credited',
    ]);
    const [credited] = events.filter((event) => event.type === 'wallet.credited');
    expect(credited).toMatchObject({
      specversion: '1.0',
      source: '/vouchsafe/wallet',
      aggregate: `wallet/${answer.body.wallet.id}`,
      aggregateversion: 2,
      data: { redemption_id: id, amount: { value: 1000, currency: 'USD' }, balance: { value: 1000, currency: 'USD' } },
    });

    const history = JSON.stringify(await world.temporal.workflow.getHandle(`redemption-${id}`).fetchHistory());
    const payloads = Buffer.from(history).toString('utf8') + decodePayloads(history);
    expect(payloads).toContain(answer.body.code.id);
    expect(payloads).not.toContain(code?.slice(-9));
    expect(payloads).not.toContain(phone.slice(1));
  });

  test('of a code that is used is refused, and names the redemption only to the phone that has it', async () => {
    const [code] = await makeCodes(service, 1);
    const phone = newPhone();
    const first = await redeem(code, phone);
    const other = await redeem(code, newPhone());
    expect(other.status).toBe(409);
    expect(other.headers.get('Content-Type')).toContain('application/problem+json');
    expect(other.body).toEqual({
      type: `${service.url}/errors/code-already-redeemed`,
      title: expect.any(String),
      status: 409,
      code: 'code-already-redeemed',
    });
    const again = await redeem(code, phone);
    expect(again.body).toMatchObject({ code: 'code-already-redeemed', redemption_id: first.body.id });
  });

  const hour = 3_600_000;
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  test.each([
    ['code-not-started', { starts_at: at(hour) }],
    ['code-expired', { ends_at: at(-hour) }],
  ])('outside its window is refused: %s', async (problem, group) => {
    const [code] = await makeCodes(service, 1, group);
    expect((await redeem(code, newPhone())).body).toMatchObject({ status: 409, code: problem });
  });

  test.each([
    ['code-disabled', `update codes set disabled = true where id = $1`],
    ['group-disabled', `update code_groups set disabled = true where id = (select group_id from codes where id = $1)`],
  ])('of a code switched off is refused: %s', async (problem, sql) => {
    const [code] = await makeCodes(service, 1);
    const { body } = await service.call('POST', '/v1/codes/lookup', { code });
    await world.giftCode.query(sql, [body.id]);
    expect((await redeem(code, newPhone())).body).toMatchObject({ status: 409, code: problem });
  });

  test('beyond the limit per wallet is refused, and another phone still may', async () => {
    const coupon = await makeCoupon(service, 10, { per_wallet_limit: 2 });
    const phone = newPhone();
    expect((await redeem(coupon, phone)).status).toBe(201);
    expect((await redeem(coupon, phone)).body.code).toMatchObject({ redemptions: 2, max_redemptions: 10 });
    expect((await redeem(coupon, phone)).body).toMatchObject({
      status: 409,
      code: 'per-wallet-limit',
      redemption_id: expect.any(String),
    });
    // By the door, which leaves nothing behind.
    const { items } = (await service.call('GET', `/v1/redemptions?phone=${encodeURIComponent(phone)}`)).body;
    expect(items.map(({ state }: { state: string }) => state)).toEqual(['completed', 'completed']);
    expect((await redeem(coupon, newPhone())).status).toBe(201);
  });

  test('beyond the budget is refused', async () => {
    const coupon = await makeCoupon(service, 10, { budget: { value: 2500, currency: 'USD' } });
    const phone = newPhone();
    const { id } = (await redeem(coupon, phone)).body;
    expect((await redeem(coupon, newPhone())).status).toBe(201);
    expect((await redeem(coupon, newPhone())).body).toMatchObject({ status: 409, code: 'budget-exhausted' });
    expect((await redeem(coupon, phone)).body).toMatchObject({ code: 'budget-exhausted', redemption_id: id });
    // At the door, so that a crowd that comes too late leaves nothing behind.
    const { rows } = await world.giftCode.query(`select from redemptions where reason = 'budget-exhausted'`);
    expect(rows).toHaveLength(0);
  });

  test('of a coupon that is used up is refused', async () => {
    const coupon = await makeCoupon(service, 2);
    await redeem(coupon, newPhone());
    await redeem(coupon, newPhone());
    expect((await redeem(coupon, newPhone())).body).toMatchObject({ status: 409, code: 'code-exhausted' });
  });

  test('of an unknown or mistyped code is refused, and makes no wallet', async () => {
    const [code = ''] = await makeCodes(service, 1);
    const phone = newPhone();
    const typo = code.slice(0, -1) + (code.endsWith('0') ? '1' : '0');
    expect((await redeem(typo, phone)).body).toMatchObject({ status: 422, code: 'code-malformed' });
    expect((await redeem('NOSUCHCODE', phone)).body).toMatchObject({ status: 404, code: 'code-not-found' });
    expect((await world.wallet.query('select from wallets where phone = $1', [phone])).rowCount).toBe(0);
  });

  test('into a frozen wallet is refused, says why, and gives the code back', async () => {
    const [code] = await makeCodes(service, 1);
    const phone = newPhone();
    await service.call('POST', '/v1/wallets', { phone });
    await world.wallet.query(`update wallets set state = 'frozen' where phone = $1`, [phone]);
    const answer = await redeem(code, phone);
    expect(answer.body).toMatchObject({ status: 409, code: 'wallet-frozen', redemption_id: expect.any(String) });
    const released = await service.call('GET', `/v1/redemptions/${answer.body.redemption_id}`);
    expect(released.body).toMatchObject({ state: 'released', reason: 'wallet-frozen', transaction_id: null });
    expect((await service.call('POST', '/v1/codes/lookup', { code })).body.state).toBe('unused');
    expect((await redeem(code, newPhone())).status).toBe(201);
  });

  test('that would lift a wallet over 2^53 - 1 is refused and gives the code back', async () => {
    const [code] = await makeCodes(service, 1);
    const phone = newPhone();
    await service.call('POST', '/v1/wallets', { phone });
    const amount = { value: Number.MAX_SAFE_INTEGER, currency: 'USD' };
    expect((await service.call('POST', `/v1/wallets/${phone}/credits`, { amount })).status).toBe(201);
    expect((await redeem(code, phone)).body).toMatchObject({ status: 409, code: 'balance-limit' });
    expect((await service.call('POST', '/v1/codes/lookup', { code })).body.state).toBe('unused');
  });

  test('with Prefer: wait=0 is accepted at once and can be waited for', async () => {
    const [code] = await makeCodes(service, 1);
    const { id } = (await service.call('POST', '/v1/codes/lookup', { code })).body;
    const letGo = await lockRows(world.urls.giftCodeDatabase, 'codes', id);
    const accepted = await redeem(code, newPhone(), { Prefer: 'wait=0' });
    expect(accepted).toMatchObject({ status: 202, body: { state: 'pending' } });
    expect(accepted.headers.get('Retry-After')).toBe('1');
    await letGo();
    const location = accepted.headers.get('Location') ?? '';
    const done = await service.call('GET', location, undefined, { Prefer: 'wait=20' });
    expect(done.body).toMatchObject({ id: accepted.body.id, state: 'completed' });
  });
});

describe('an Idempotency-Key', () => {
  test('100 times at once is one redemption, one credit and 100 equal answers', async () => {
    const [code] = await makeCodes(service, 1);
    const phone = newPhone();
    const key = { 'Idempotency-Key': randomUUID() };
    const answers = await Promise.all(Array.from({ length: 100 }, () => redeem(code, phone, key)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('Idempotent-Replayed') !== 'true')).toHaveLength(1);
    const { rows } = await world.wallet.query(
      'select count(*)::int as transfers, sum(amount)::int as credited from transfers t join wallets w on w.id = t.wallet_id where w.phone = $1',
      [phone],
    );
    expect(rows).toEqual([{ transfers: 1, credited: 1000 }]);
    const later = await redeem(code, phone, key);
    expect(later.body).toEqual(answers[0]?.body);
  });

  test('replays a refusal too, also when the code could be redeemed by now', async () => {
    const [code] = await makeCodes(service, 1);
    const phone = newPhone();
    await service.call('POST', '/v1/wallets', { phone });
    await world.wallet.query(`update wallets set state = 'frozen' where phone = $1`, [phone]);
    const key = { 'Idempotency-Key': randomUUID() };
    const refused = await redeem(code, phone, key);
    await world.wallet.query(`update wallets set state = 'active' where phone = $1`, [phone]);
    const again = await redeem(code, phone, key);
    expect(again.body).toEqual(refused.body);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
  });

  test('that lost a code to another is told to come with a new one, not to come again', async () => {
    const [code] = await makeCodes(service, 1);
    const [frozen, phone] = [newPhone(), newPhone()];
    const wallet = (await service.call('POST', '/v1/wallets', { phone: frozen })).body;
    await service.call('POST', '/v1/wallets', { phone });
    await world.wallet.query(`update wallets set state = 'frozen' where phone = $1`, [frozen]);
    const { id } = (await service.call('POST', '/v1/codes/lookup', { code })).body;
    // The first keeps the code, since it cannot reach its wallet, until the others have lost.
    const letGoWallet = await lockRows(world.urls.walletDatabase, 'wallets', wallet.id);
    const letGoCode = await lockRows(world.urls.giftCodeDatabase, 'codes', id);
    const first = redeem(code, frozen);
    await untilWaiting(world.giftCode, 1);
    const key = { 'Idempotency-Key': randomUUID() };
    const second = redeem(code, phone, key);
    await untilWaiting(world.giftCode, 2);
    const withoutKey = redeem(code, newPhone());
    await letGoCode();
    const told = await withoutKey;
    expect([told.body.code, told.headers.get('Retry-After')]).toEqual(['code-reserved', '1']);
    for (const lost of [await second, await redeem(code, phone, key)]) {
      expect(lost.body).toMatchObject({
        code: 'code-reserved',
        detail: expect.stringContaining('Try again with another one'),
      });
      expect(lost.headers.get('Retry-After')).toBeNull();
    }
    await letGoWallet();
    expect((await first).body.code).toBe('wallet-frozen');
    expect((await redeem(code, phone)).status).toBe(201);
  });

  test('with another code, phone or reference is refused and changes nothing', async () => {
    const [code, other] = await makeCodes(service, 2);
    const phone = newPhone();
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await redeem(code, phone, key);
    expect(first.status).toBe(201);
    for (let repeats = 0; repeats < 3; repeats++) expect((await redeem(code, phone, key)).body).toEqual(first.body);
    const reused = { status: 422, code: 'idempotency-key-reused' };
    expect((await redeem(other, phone, key)).body).toMatchObject(reused);
    expect((await redeem(code, newPhone(), key)).body).toMatchObject(reused);
    expect((await service.call('POST', '/v1/redemptions', { code, phone, reference: 'x' }, key)).body).toMatchObject(
      reused,
    );
    expect((await service.call('POST', '/v1/codes/lookup', { code: other })).body.state).toBe('unused');
    expect((await redeem(code, phone, key)).body).toEqual(first.body);
  });

  test('is redeemed anew, and credited no second time, where the gift-code database was put back', async () => {
    const [code] = await makeCodes(service, 1);
    const phone = newPhone();
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await redeem(code, phone, key);
    expect((await redeem(code, phone, key)).body).toEqual(first.body);
    const { id, code: redeemed } = first.body;
    // Its workflow tells of the end before it is over itself; while it is open, a start would join it.
    await world.temporal.workflow.getHandle(redemptionWorkflowId(id)).result();
    await world.giftCode.query('delete from redemptions where id = $1', [id]);
    await world.giftCode.query('update codes set redeemed = 0 where id = $1', [redeemed.id]);
    const away = await redeem(code, phone, key);
    expect([away.status, away.body.code, away.headers.get('Retry-After')]).toEqual([503, 'unavailable', '1']);
    const again = await redeem(code, phone, key);
    const { amount, wallet, transaction_id } = first.body;
    expect(again).toMatchObject({ status: 201, body: { id, state: 'completed', amount, wallet, transaction_id } });
  });

  test('with two codes at the same time redeems one of them', async () => {
    const [code, other] = await makeCodes(service, 2);
    const key = { 'Idempotency-Key': randomUUID() };
    const phone = newPhone();
    const answers = await Promise.all([redeem(code, phone, key), redeem(other, phone, key)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
  });
});

describe('many at once', () => {
  test('500 phones at one code: one winner', async () => {
    const [code] = await makeCodes(service, 1);
    const orders = Array.from({ length: 500 }, () => ({ phone: newPhone(), key: { 'Idempotency-Key': randomUUID() } }));
    const send = ({ phone, key }: (typeof orders)[number]) => redeem(code, phone, key);
    const answers = await Promise.all(orders.map(send));
    const codes = answers.map(({ status, body }) => (status === 201 ? 'won' : body.code));
    expect(codes.filter((outcome) => outcome === 'won')).toHaveLength(1);
    expect(new Set(codes)).toSatisfy((set: Set<string>) =>
      [...set].every((outcome) => ['won', 'code-reserved', 'code-already-redeemed'].includes(outcome)),
    );
    // It would be the winner's: nobody else has a redemption of this code, not at the first answer and not at a repeat.
    const lost = orders.filter((_, index) => answers[index]?.status !== 201);
    const repeats = await Promise.all(lost.map(send));
    for (const { body } of [...answers.filter(({ status }) => status !== 201), ...repeats]) {
      expect(body).not.toHaveProperty('redemption_id');
    }
    await assertCoherent(world);
  });

  test('2,000 phones at one coupon of 300: 300 winners, 300 credits', async () => {
    const coupon = await makeCoupon(service, 300);
    const answers = await Promise.all(Array.from({ length: 2_000 }, () => redeem(coupon, newPhone())));
    const winners = answers.filter(({ status }) => status === 201);
    expect(winners).toHaveLength(300);
    expect(new Set(winners.map(({ body }) => body.code.redemptions)).size).toBe(300);
    expect(new Set(answers.filter(({ status }) => status !== 201).map(({ body }) => body.code))).toEqual(
      new Set(['code-exhausted']),
    );
    const ids = winners.map(({ body }) => body.transaction_id);
    const { rows } = await world.wallet.query(
      `select count(*)::int as credits from transfers where id = any($1) and kind = 'redemption'`,
      [ids],
    );
    expect(rows).toEqual([{ credits: 300 }]);
    await assertCoherent(world);
  });

  test('two phones in one batch, one refused: the other completes', async () => {
    const frozen = newPhone();
    await service.call('POST', '/v1/wallets', { phone: frozen });
    await world.wallet.query(`update wallets set state = 'frozen' where phone = $1`, [frozen]);
    const others = Array.from({ length: 20 }, () => newPhone());
    const phones = others.flatMap((other) => [frozen, other]);
    // Who shares a batch is a matter of microseconds. From the second time on, all wallets are known and nobody is slower.
    for (let shared = 0; shared === 0; ) {
      const codes = await makeCodes(service, phones.length);
      const answers = await Promise.all(codes.map((code, index) => redeem(code, phones[index] ?? '')));
      expect(answers.map(({ status }) => status)).toEqual(phones.map((phone) => (phone === frozen ? 409 : 201)));
      const { rows } = await world.giftCode.query(
        `select count(*)::int as shared from redemptions where state = 'released' and workflow_id in
          (select workflow_id from redemptions where state = 'completed' and workflow_id like 'redemptions-%')`,
      );
      shared = rows[0].shared;
    }
    await assertCoherent(world);
  });
});

/** Every payload of a history in clear: they are base64 in its JSON. */
function decodePayloads(history: string): string {
  return [...history.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)]
    .map(([, data = '']) => Buffer.from(data, 'base64').toString())
    .join('\n');
}
